/** The URL of a console as clients of this API process reach it: the record says at which host it is, the process by which port. */
import type { StoredRecord } from '@xenplane/model';
import type { Derivation } from '@xenplane/store';

/** Without a port the one that the scheme has anyway. */
export interface Entrance {
  readonly scheme: 'http' | 'https';
  readonly port: number | undefined;
}

export function locationAt(location: string, entrance: Entrance | undefined): string {
  const [, host, rest] = /^https:\/\/(\[[^\]]*\]|[^/:]*)(\/.*)$/.exec(location) ?? [];
  if (!entrance || !host || rest === undefined) return location;
  return `${entrance.scheme}://${host}${entrance.port === undefined ? '' : `:${entrance.port}`}${rest}`;
}

export const atEntrance = (entrance: () => Entrance | undefined = () => undefined): Derivation<unknown> => ({
  derive: (record) => ({ location: locationAt((record as StoredRecord<'console'>).location, entrance()) }),
});

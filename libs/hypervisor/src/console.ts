/**
 * How a console goes over HTTP from an agent to a control plane: the connection is upgraded, with `Upgrade: xenplane-console`, and
 * carries the bytes of a terminal both ways until either side closes it. `?alone=true`: 409 while it is open to somebody else.
 * 404: no such domain. 503: it is open too often. The host's own needs HostNames as JSON in `?names=`.
 */

/** The protocol of the upgrade. */
export const consoleProtocol = 'xenplane-console';
/** The head of the answer that says how many of the bytes behind it are what was written before. */
export const historyHead = 'xenplane-console-history';
/** A guest that has written more before is not believed. */
export const mostHistoryBytes = 2 ** 20;

/** What a control plane calls a host: its name, its product, and the addresses of its interfaces by their devices. */
export interface HostNames {
  readonly hostname: string;
  readonly product: string;
  readonly addresses: Readonly<Record<string, string>>;
}

import type { StoredRecord } from '@xenplane/model';
import type { OvaVersion } from '@xenplane/wire';
import type { Plane } from '../core/context';
import { dateTime } from '../core/context';

type Maker = Pick<
  StoredRecord<'host'>,
  'hostname' | 'software_version' | 'API_version_major' | 'API_version_minor'
>;

/** The maker of an export, and its time. */
export function versionBy(host: Maker | undefined, at: Date): OvaVersion {
  const said = (key: string): string => host?.software_version[key] ?? '';
  return {
    hostname: host?.hostname ?? 'localhost',
    date: dateTime(at),
    product_version: said('product_version'),
    product_brand: said('product_brand'),
    build_number: said('build_number'),
    xapi_major: host?.API_version_major ?? 2,
    xapi_minor: host?.API_version_minor ?? 0,
  };
}

export function exportVersion({ replica, clock }: Pick<Plane, 'replica' | 'clock'>): OvaVersion {
  const [first] = replica.refs('host');
  return versionBy(first && replica.record('host', first), clock.now());
}

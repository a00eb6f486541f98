import type { OvaVersion } from '@xenplane/wire';
import type { Plane } from '../context';
import { dateTime } from '../context';

/** Who made an export, and when. */
export function exportVersion({ replica, clock }: Pick<Plane, 'replica' | 'clock'>): OvaVersion {
  const [first] = replica.refs('host');
  const host = first && replica.record('host', first);
  const said = (key: string): string => host?.software_version[key] ?? '';
  return {
    hostname: host?.hostname ?? 'localhost',
    date: dateTime(clock.now()),
    product_version: said('product_version'),
    product_brand: said('product_brand'),
    build_number: said('build_number'),
    xapi_major: host?.API_version_major ?? 2,
    xapi_minor: host?.API_version_minor ?? 0,
  };
}

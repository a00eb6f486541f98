import { planned, readOnly, uuid, xenClass } from '../language';
import { bool, float, ref, string } from '../types';

export const Driver_variant = xenClass('Driver_variant', {
  doc: 'Driver_variant',
  role: 'pool-admin',
  state: 'prototyped',
  fields: {
    uuid,
    name: readOnly(string, 'name'),
    driver: readOnly(ref('Host_driver'), 'driver'),
    version: readOnly(string, 'version'),
    hardware_present: readOnly(bool, 'hardware_present'),
    priority: readOnly(float, 'priority'),
    status: readOnly(string, 'status'),
  },
  calls: {
    select: planned({ doc: 'select', role: 'pool-admin', params: { self: ref('Driver_variant') } }),
  },
});

import { atCreate, computed, planned, readOnly, uuid, xenClass } from '../language';
import { nullRef, ref, set, string } from '../types';

export const Host_driver = xenClass('Host_driver', {
  doc: 'Host_driver',
  role: 'pool-admin',
  state: 'prototyped',
  fields: {
    uuid,
    host: atCreate(ref('host'), 'host', { default: nullRef() }),
    name: readOnly(string, 'name'),
    friendly_name: readOnly(string, 'friendly_name'),
    variants: computed(set(ref('Driver_variant')), 'variants', 'Driver_variant.driver'),
    active_variant: readOnly(ref('Driver_variant'), 'active_variant'),
    selected_variant: readOnly(ref('Driver_variant'), 'selected_variant'),
    type: readOnly(string, 'type'),
    description: readOnly(string, 'description'),
    info: readOnly(string, 'info'),
  },
  calls: {
    select: planned({ doc: 'select', role: 'pool-admin', params: { self: ref('Host_driver'), variant: ref('Driver_variant') } }),
    deselect: planned({ doc: 'deselect', role: 'pool-admin', params: { self: ref('Host_driver') } }),
    rescan: planned({ doc: 'rescan', role: 'pool-admin', params: { host: ref('host') } }),
  },
});

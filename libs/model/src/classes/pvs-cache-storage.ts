import { atCreate, readOnly, uuid, xenClass } from '../language';
import { int, nullRef, ref } from '../types';

export const PVS_cache_storage = xenClass('PVS_cache_storage', {
  doc: 'PVS_cache_storage',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    host: atCreate(ref('host'), 'host', { default: nullRef() }),
    SR: atCreate(ref('SR'), 'SR', { default: nullRef() }),
    site: atCreate(ref('PVS_site'), 'site', { default: nullRef() }),
    size: atCreate(int, 'size', { default: 21474836480 }),
    VDI: readOnly(ref('VDI'), 'VDI', { default: nullRef() }),
  },
  calls: {
  },
});

import { atCreate, readOnly, uuid, xenClass } from '../language';
import { int, nullRef, ref } from '../types';

export const PVS_cache_storage = xenClass('PVS_cache_storage', {
  doc: 'Place on one host where proxies of a site keep cached data',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    host: atCreate(ref('host'), 'Host the cache is on', { default: nullRef() }),
    SR: atCreate(ref('SR'), 'Repository that provides the space', { default: nullRef() }),
    site: atCreate(ref('PVS_site'), 'Site the cache serves', { default: nullRef() }),
    size: atCreate(int, 'Size limit of the cache in bytes', { default: 21474836480 }),
    VDI: readOnly(ref('VDI'), 'Disk that holds the cache; NULL until the cache is in use', {
      default: nullRef(),
    }),
  },
  calls: {},
});

import { atCreate, computed, planned, readWrite, uuid, xenClass } from '../language';
import { ref, set, string } from '../types';

export const PVS_site = xenClass('PVS_site', {
  doc: 'PVS_site',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    PVS_uuid: atCreate(string, 'PVS_uuid', { default: '' }),
    cache_storage: computed(set(ref('PVS_cache_storage')), 'cache_storage', 'PVS_cache_storage.site'),
    servers: computed(set(ref('PVS_server')), 'servers', 'PVS_server.site'),
    proxies: computed(set(ref('PVS_proxy')), 'proxies', 'PVS_proxy.site'),
  },
  calls: {
    introduce: planned({ doc: 'introduce', role: 'pool-operator', params: { name_label: string, name_description: string, PVS_uuid: string }, result: ref('PVS_site') }),
    forget: planned({ doc: 'forget', role: 'pool-operator', params: { self: ref('PVS_site') }, errors: ['PVS_SITE_CONTAINS_RUNNING_PROXIES', 'PVS_SITE_CONTAINS_SERVERS'] }),
    set_PVS_uuid: planned({ doc: 'set_PVS_uuid', role: 'pool-operator', params: { self: ref('PVS_site'), value: string } }),
  },
});

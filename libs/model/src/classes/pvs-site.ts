import { atCreate, call, computed, readWrite, uuid, xenClass } from '../language';
import { ref, set, string } from '../types';

export const PVS_site = xenClass('PVS_site', {
  doc: 'A Citrix Provisioning deployment whose streamed disks the pool may cache',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the PVS site shown to people; need not be unique', {
      default: '',
    }),
    name_description: readWrite(string, 'Free text that describes the PVS site', { default: '' }),
    PVS_uuid: atCreate(string, 'Identifier of the site on the provisioning side; may be empty at first', {
      default: '',
    }),
    cache_storage: computed(
      set(ref('PVS_cache_storage')),
      'Cache places of the site, one per host',
      'PVS_cache_storage.site',
    ),
    servers: computed(set(ref('PVS_server')), 'Provisioning servers of the site', 'PVS_server.site'),
    proxies: computed(set(ref('PVS_proxy')), 'Proxies that speed up VMs of the site', 'PVS_proxy.site'),
  },
  calls: {
    introduce: call({
      doc: 'Record a provisioning site with its name and identifier',
      role: 'pool-operator',
      params: { name_label: string, name_description: string, PVS_uuid: string },
      result: ref('PVS_site'),
    }),
    forget: call({
      doc: 'Remove the site; refused while servers or running proxies remain',
      role: 'pool-operator',
      params: { self: ref('PVS_site') },
      errors: ['PVS_SITE_CONTAINS_RUNNING_PROXIES', 'PVS_SITE_CONTAINS_SERVERS'],
    }),
    set_PVS_uuid: call({
      doc: 'Set the identifier used on the provisioning side',
      role: 'pool-operator',
      params: { self: ref('PVS_site'), value: string },
    }),
  },
});

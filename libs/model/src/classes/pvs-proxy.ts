import * as enums from '../enums';
import { atCreate, call, readOnly, uuid, xenClass } from '../language';
import { bool, nullRef, ref } from '../types';

export const PVS_proxy = xenClass('PVS_proxy', {
  doc: 'A cache between one VM interface and its provisioning servers',
  role: 'pool-admin',
  fields: {
    uuid,
    site: atCreate(ref('PVS_site'), 'Site the proxied VM streams from', { default: nullRef() }),
    VIF: atCreate(ref('VIF'), "Interface whose traffic is cached; must be the VM's first", {
      default: nullRef(),
    }),
    currently_attached: readOnly(bool, 'True while the proxy is at work for a running VM', {
      default: false,
    }),
    status: readOnly(enums.pvs_proxy_status, 'What the proxy is doing now', { default: 'stopped' }),
  },
  calls: {
    create: call({
      doc: 'Put a proxy between a VM interface and a site',
      role: 'pool-operator',
      params: { site: ref('PVS_site'), VIF: ref('VIF') },
      result: ref('PVS_proxy'),
    }),
    destroy: call({
      doc: 'Remove the proxy from the interface',
      role: 'pool-operator',
      params: { self: ref('PVS_proxy') },
    }),
  },
});

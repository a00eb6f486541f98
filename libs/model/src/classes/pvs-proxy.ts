import * as enums from '../enums';
import { atCreate, planned, readOnly, uuid, xenClass } from '../language';
import { bool, nullRef, ref } from '../types';

export const PVS_proxy = xenClass('PVS_proxy', {
  doc: 'PVS_proxy',
  role: 'pool-admin',
  fields: {
    uuid,
    site: atCreate(ref('PVS_site'), 'site', { default: nullRef() }),
    VIF: atCreate(ref('VIF'), 'VIF', { default: nullRef() }),
    currently_attached: readOnly(bool, 'currently_attached', { default: false }),
    status: readOnly(enums.pvs_proxy_status, 'status', { default: 'stopped' }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { site: ref('PVS_site'), VIF: ref('VIF') }, result: ref('PVS_proxy') }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('PVS_proxy') } }),
  },
});

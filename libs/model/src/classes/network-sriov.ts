import * as enums from '../enums';
import { atCreate, planned, readOnly, uuid, xenClass } from '../language';
import { bool, int, nullRef, ref } from '../types';

export const network_sriov = xenClass('network_sriov', {
  doc: 'network_sriov',
  role: 'pool-admin',
  fields: {
    uuid,
    physical_PIF: atCreate(ref('PIF'), 'physical_PIF', { default: nullRef() }),
    logical_PIF: atCreate(ref('PIF'), 'logical_PIF', { default: nullRef() }),
    requires_reboot: readOnly(bool, 'requires_reboot', { default: false }),
    configuration_mode: readOnly(enums.sriov_configuration_mode, 'configuration_mode', { default: 'unknown' }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { pif: ref('PIF'), network: ref('network') }, result: ref('network_sriov') }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('network_sriov') } }),
    get_remaining_capacity: planned({ doc: 'get_remaining_capacity', role: 'read-only', params: { self: ref('network_sriov') }, result: int }),
  },
});

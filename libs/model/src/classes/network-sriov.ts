import * as enums from '../enums';
import { atCreate, call, readOnly, uuid, xenClass } from '../language';
import { bool, int, nullRef, ref } from '../types';

export const network_sriov = xenClass('network_sriov', {
  doc: 'SR-IOV enabled on a NIC, so that VMs can be given its virtual functions',
  role: 'pool-admin',
  fields: {
    uuid,
    physical_PIF: atCreate(ref('PIF'), 'NIC that supplies the virtual functions', { default: nullRef() }),
    logical_PIF: atCreate(ref('PIF'), 'Logical interface joined to the SR-IOV network', {
      default: nullRef(),
    }),
    requires_reboot: readOnly(bool, 'True when the host must restart before the change works', {
      default: false,
    }),
    configuration_mode: readOnly(
      enums.sriov_configuration_mode,
      'How virtual functions are switched on for this NIC',
      { default: 'unknown' },
    ),
  },
  calls: {
    create: call({
      doc: 'Enable SR-IOV on a NIC and join its logical interface to a network',
      role: 'pool-operator',
      params: { pif: ref('PIF'), network: ref('network') },
      result: ref('network_sriov'),
    }),
    destroy: call({
      doc: 'Disable SR-IOV on the NIC and remove the logical interface',
      role: 'pool-operator',
      params: { self: ref('network_sriov') },
    }),
    get_remaining_capacity: call({
      doc: 'Number of virtual functions still unused',
      role: 'read-only',
      params: { self: ref('network_sriov') },
      result: int,
    }),
  },
});

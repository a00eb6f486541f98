import * as enums from '../enums';
import { atCreate, planned, readOnly, uuid, xenClass } from '../language';
import { bool, map, nullRef, ref, set, string } from '../types';

export const VTPM = xenClass('VTPM', {
  doc: 'VTPM',
  role: 'pool-admin',
  state: 'prototyped',
  fields: {
    uuid,
    allowed_operations: readOnly(set(enums.vtpm_operations), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.vtpm_operations), 'current_operations', { default: {} }),
    VM: atCreate(ref('VM'), 'VM'),
    backend: readOnly(ref('VM'), 'backend', { default: nullRef() }),
    persistence_backend: readOnly(enums.persistence_backend, 'persistence_backend', { default: 'xapi' }),
    is_unique: atCreate(bool, 'is_unique', { default: false }),
    is_protected: readOnly(bool, 'is_protected', { default: false }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'vm-admin', params: { vM: ref('VM'), is_unique: bool }, result: ref('VTPM') }),
    destroy: planned({ doc: 'destroy', role: 'vm-admin', params: { self: ref('VTPM') } }),
  },
});

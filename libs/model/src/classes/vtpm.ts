import * as enums from '../enums';
import { atCreate, call, readOnly, uuid, xenClass } from '../language';
import { bool, map, nullRef, ref, set, string } from '../types';

export const VTPM = xenClass('VTPM', {
  doc: 'A virtual trusted platform module of a VM',
  role: 'pool-admin',
  state: 'prototyped',
  fields: {
    uuid,
    allowed_operations: readOnly(
      set(enums.vtpm_operations),
      'Operations the virtual TPM would accept now; only a hint, checked again on call',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.vtpm_operations),
      'Operations under way on the virtual TPM, keyed by task',
      { default: {} },
    ),
    VM: atCreate(ref('VM'), 'VM that owns the module'),
    backend: readOnly(ref('VM'), 'Domain that runs the module; NULL when the control domain does', {
      default: nullRef(),
    }),
    persistence_backend: readOnly(enums.persistence_backend, 'Where the contents of the module are kept', {
      default: 'xapi',
    }),
    is_unique: atCreate(bool, 'True when the contents must never be copied to another VM', {
      default: false,
    }),
    is_protected: readOnly(bool, 'True when the contents are stored with integrity protection', {
      default: false,
    }),
  },
  calls: {
    create: call({
      doc: 'Give a halted VM a new virtual TPM, optionally one whose contents must stay unique',
      role: 'vm-admin',
      params: { vM: ref('VM'), is_unique: bool },
      result: ref('VTPM'),
    }),
    destroy: call({
      doc: 'Remove the module and its contents from its halted VM; keys sealed in it are lost',
      role: 'vm-admin',
      params: { self: ref('VTPM') },
    }),
  },
});

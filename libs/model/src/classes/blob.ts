import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, optional, ref, string } from '../types';

export const blob = xenClass('blob', {
  doc: 'blob',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    size: readOnly(int, 'size'),
    public: readWrite(bool, 'public', { default: false }),
    last_updated: atCreate(datetime, 'last_updated'),
    mime_type: atCreate(string, 'mime_type'),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { mime_type: string, public: optional(bool, false) }, result: ref('blob'), async: false }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('blob') }, async: false }),
  },
});

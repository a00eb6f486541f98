import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, optional, ref, string } from '../types';

export const blob = xenClass('blob', {
  doc: 'A piece of binary data stored on the coordinator, read and written over HTTP',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the blob shown to people; need not be unique', { default: '' }),
    name_description: readWrite(string, 'Free text that describes the blob', { default: '' }),
    size: readOnly(int, 'Length of the data in bytes'),
    public: readWrite(bool, 'True when anyone may read the data without logging in', { default: false }),
    last_updated: atCreate(datetime, 'When the data was last written, in UTC'),
    mime_type: atCreate(string, 'Media type of the data; application/octet-stream unless given'),
  },
  calls: {
    create: call({
      doc: 'Make an empty blob with a media type and choose whether it is public',
      role: 'pool-operator',
      params: { mime_type: string, public: optional(bool, false) },
      result: ref('blob'),
      async: false,
    }),
    destroy: call({
      doc: 'Delete the blob and its data',
      role: 'pool-operator',
      params: { self: ref('blob') },
      async: false,
    }),
  },
});

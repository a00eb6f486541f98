import { readOnly, xenClass } from '../language';
import { int, string } from '../types';

export const vdi_nbd_server_info = xenClass('vdi_nbd_server_info', {
  doc: 'vdi_nbd_server_info',
  role: 'pool-admin',
  stored: false,
  fields: {
    exportname: readOnly(string, 'exportname'),
    address: readOnly(string, 'address'),
    port: readOnly(int, 'port'),
    cert: readOnly(string, 'cert'),
    subject: readOnly(string, 'subject'),
  },
  calls: {
  },
});

import { readOnly, xenClass } from '../language';
import { int, string } from '../types';

export const vdi_nbd_server_info = xenClass('vdi_nbd_server_info', {
  doc: 'One way of reading a disk over the NBD protocol',
  role: 'pool-admin',
  stored: false,
  fields: {
    exportname: readOnly(string, 'Export name to request; contains a session reference, so keep it private'),
    address: readOnly(string, 'Address of a host that serves the disk'),
    port: readOnly(int, 'TCP port of the NBD server'),
    cert: readOnly(string, 'TLS certificate of the server, in PEM form'),
    subject: readOnly(string, 'Host name to check the certificate against, one of its subject names'),
  },
  calls: {},
});

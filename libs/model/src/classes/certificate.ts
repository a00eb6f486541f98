import * as enums from '../enums';
import { atCreate, readOnly, uuid, xenClass } from '../language';
import { datetime, nullRef, ref, set, string } from '../types';

export const Certificate = xenClass('Certificate', {
  doc: 'Certificate',
  role: 'pool-admin',
  fields: {
    uuid,
    name: readOnly(string, 'name', { default: '' }),
    type: readOnly(enums.certificate_type, 'type', { default: 'host' }),
    host: atCreate(ref('host'), 'host', { default: nullRef() }),
    not_before: atCreate(datetime, 'not_before', { default: '19700101T00:00:00Z' }),
    not_after: atCreate(datetime, 'not_after', { default: '19700101T00:00:00Z' }),
    fingerprint: atCreate(string, 'fingerprint', { default: '', state: 'deprecated' }),
    fingerprint_sha256: atCreate(string, 'fingerprint_sha256', { default: '', state: 'prototyped' }),
    fingerprint_sha1: atCreate(string, 'fingerprint_sha1', { default: '', state: 'prototyped' }),
    purpose: atCreate(set(enums.certificate_purpose), 'purpose', { default: [], state: 'prototyped' }),
  },
  calls: {
  },
});

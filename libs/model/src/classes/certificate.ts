import * as enums from '../enums';
import { atCreate, readOnly, uuid, xenClass } from '../language';
import { datetime, nullRef, ref, set, string } from '../types';

export const Certificate = xenClass('Certificate', {
  doc: 'An X.509 certificate installed in the pool',
  role: 'pool-admin',
  fields: {
    uuid,
    name: readOnly(string, 'File name of a CA certificate; empty for host certificates', { default: '' }),
    type: readOnly(
      enums.certificate_type,
      "Whether it is a CA's, a host's public or internal one, or pinned",
      { default: 'host' },
    ),
    host: atCreate(
      ref('host'),
      'Host the certificate identifies; NULL for certificates that concern the whole pool',
      { default: nullRef() },
    ),
    not_before: atCreate(datetime, 'Start of validity, in UTC', { default: '19700101T00:00:00Z' }),
    not_after: atCreate(datetime, 'End of validity, in UTC', { default: '19700101T00:00:00Z' }),
    fingerprint: atCreate(string, 'Deprecated SHA-256 fingerprint, same as fingerprint_sha256', {
      default: '',
      state: 'deprecated',
    }),
    fingerprint_sha256: atCreate(string, 'SHA-256 fingerprint as colon-separated hexadecimal bytes', {
      default: '',
      state: 'prototyped',
    }),
    fingerprint_sha1: atCreate(string, 'SHA-1 fingerprint as colon-separated hexadecimal bytes', {
      default: '',
      state: 'prototyped',
    }),
    purpose: atCreate(
      set(enums.certificate_purpose),
      'Services the certificate is trusted for; empty means all purposes',
      { default: [], state: 'prototyped' },
    ),
  },
  calls: {},
});

import * as enums from '../enums';
import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, optional, ref, string } from '../types';

export const Repository = xenClass('Repository', {
  doc: 'A source of update packages for the pool',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the update repository shown to people; need not be unique', {
      default: '',
      clientCert: true,
    }),
    name_description: readWrite(string, 'Free text that describes the update repository', {
      default: '',
      clientCert: true,
    }),
    binary_url: atCreate(string, 'Base URL of the binary packages', { default: '' }),
    source_url: atCreate(string, 'Base URL of the source packages', { default: '' }),
    update: atCreate(bool, 'True when the repository carries updateinfo.xml with update metadata', {
      default: false,
    }),
    hash: readOnly(string, 'SHA-256 checksum of the latest updateinfo.xml synchronised', { default: '' }),
    up_to_date: readOnly(bool, 'Removed: whether all hosts had the newest packages', {
      default: false,
      state: 'removed',
    }),
    gpgkey_path: atCreate(
      string,
      'File name of the GPG public key that signs the repository; empty for the default',
      { default: '', state: 'prototyped' },
    ),
    origin: atCreate(enums.origin, 'Whether it is remote, an uploaded bundle or another pool', {
      default: 'remote',
      state: 'prototyped',
    }),
    certificate: atCreate(string, 'Certificate of the pool that serves as origin; empty for other origins', {
      default: '',
      state: 'prototyped',
    }),
  },
  calls: {
    introduce: call({
      doc: 'Add a remote repository with its URLs and signing key',
      role: 'pool-operator',
      params: {
        name_label: string,
        name_description: string,
        binary_url: string,
        source_url: string,
        update: bool,
        gpgkey_path: optional(string, ''),
      },
      result: ref('Repository'),
      clientCert: true,
    }),
    introduce_bundle: call({
      doc: 'Add the repository that is filled from an uploaded bundle',
      role: 'pool-operator',
      params: { name_label: string, name_description: string },
      result: ref('Repository'),
      clientCert: true,
      state: 'prototyped',
    }),
    introduce_remote_pool: call({
      doc: 'Add the coordinator of another pool as a source of updates',
      role: 'pool-operator',
      params: { name_label: string, name_description: string, binary_url: string, certificate: string },
      result: ref('Repository'),
      clientCert: true,
      state: 'prototyped',
    }),
    forget: call({
      doc: 'Remove the repository; refused while the pool has it enabled',
      role: 'pool-operator',
      params: { self: ref('Repository') },
      clientCert: true,
    }),
    set_gpgkey_path: call({
      doc: 'Choose the GPG public key file that packages are checked with',
      role: 'pool-operator',
      params: { self: ref('Repository'), value: string },
      clientCert: true,
      state: 'prototyped',
    }),
  },
});

import * as enums from '../enums';
import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, optional, ref, string } from '../types';

export const Repository = xenClass('Repository', {
  doc: 'Repository',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '', clientCert: true }),
    name_description: readWrite(string, 'name_description', { default: '', clientCert: true }),
    binary_url: atCreate(string, 'binary_url', { default: '' }),
    source_url: atCreate(string, 'source_url', { default: '' }),
    update: atCreate(bool, 'update', { default: false }),
    hash: readOnly(string, 'hash', { default: '' }),
    up_to_date: readOnly(bool, 'up_to_date', { default: false, state: 'removed' }),
    gpgkey_path: atCreate(string, 'gpgkey_path', { default: '', state: 'prototyped' }),
    origin: atCreate(enums.origin, 'origin', { default: 'remote', state: 'prototyped' }),
    certificate: atCreate(string, 'certificate', { default: '', state: 'prototyped' }),
  },
  calls: {
    introduce: planned({ doc: 'introduce', role: 'pool-operator', params: { name_label: string, name_description: string, binary_url: string, source_url: string, update: bool, gpgkey_path: optional(string, '') }, result: ref('Repository'), clientCert: true }),
    introduce_bundle: planned({ doc: 'introduce_bundle', role: 'pool-operator', params: { name_label: string, name_description: string }, result: ref('Repository'), clientCert: true, state: 'prototyped' }),
    introduce_remote_pool: planned({ doc: 'introduce_remote_pool', role: 'pool-operator', params: { name_label: string, name_description: string, binary_url: string, certificate: string }, result: ref('Repository'), clientCert: true, state: 'prototyped' }),
    forget: planned({ doc: 'forget', role: 'pool-operator', params: { self: ref('Repository') }, clientCert: true }),
    set_gpgkey_path: planned({ doc: 'set_gpgkey_path', role: 'pool-operator', params: { self: ref('Repository'), value: string }, clientCert: true, state: 'prototyped' }),
  },
});

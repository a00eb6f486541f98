import * as enums from '../enums';
import { atCreate, call, computed, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, ref, set, string } from '../types';

export const pool_update = xenClass('pool_update', {
  doc: 'An update package uploaded as an ISO disk, for hosts to install',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: atCreate(string, 'Human-readable name of the update', { default: '' }),
    name_description: atCreate(string, 'Free-text notes about the update', { default: '' }),
    version: atCreate(string, 'Version of the update', { default: '' }),
    installation_size: atCreate(int, 'Disk space needed on a host, in bytes', { default: 0 }),
    key: atCreate(string, 'Name of the GPG key the update is signed with', { default: '' }),
    after_apply_guidance: atCreate(
      set(enums.update_after_apply_guidance),
      'What should be restarted after applying: VMs, host or toolstack',
      { default: [] },
    ),
    vdi: atCreate(ref('VDI'), 'Disk that holds the update; NULL or dangling once cleaned'),
    hosts: computed(set(ref('host')), 'Hosts that have the update installed', 'host.updates'),
    other_config: readWrite(map(string, string), 'Client-defined keys', { default: {} }),
    enforce_homogeneity: atCreate(bool, 'True if all hosts of the pool must have it, or none', {
      default: false,
    }),
  },
  calls: {
    introduce: call({
      doc: 'Register the update found on a VDI and return its record',
      role: 'pool-operator',
      params: { vdi: ref('VDI') },
      result: ref('pool_update'),
    }),
    precheck: call({
      doc: 'Check that one host could take the update; tells whether live patching covers it',
      role: 'pool-operator',
      params: { self: ref('pool_update'), host: ref('host') },
      result: enums.livepatch_status,
    }),
    apply: call({
      doc: 'Install the update on one host',
      role: 'pool-operator',
      params: { self: ref('pool_update'), host: ref('host') },
    }),
    pool_apply: call({
      doc: 'Install the update on every host that lacks it',
      role: 'pool-operator',
      params: { self: ref('pool_update') },
    }),
    pool_clean: call({
      doc: "Delete the update's disk from the pool, keeping the record",
      role: 'pool-operator',
      params: { self: ref('pool_update') },
    }),
    destroy: call({
      doc: 'Delete the record and disk of an update installed nowhere',
      role: 'pool-operator',
      params: { self: ref('pool_update') },
    }),
    resync_host: call({
      doc: 'Bring what is known of the updates of a host in line with what it has',
      role: 'pool-operator',
      params: { host: ref('host') },
      hidden: true,
    }),
  },
});

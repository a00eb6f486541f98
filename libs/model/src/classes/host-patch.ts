import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, map, nullRef, ref, string } from '../types';

export const host_patch = xenClass('host_patch', {
  doc: 'Legacy record that a hotfix is present on one host; superseded by pool_update',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    name_label: atCreate(string, 'Name of the host patch shown to people; need not be unique', {
      default: '',
    }),
    name_description: atCreate(string, 'Free text that describes the host patch', { default: '' }),
    version: atCreate(string, 'Version string declared by the patch'),
    host: atCreate(ref('host'), 'Host the patch belongs to'),
    applied: readOnly(bool, 'True once the patch has been installed on the host'),
    timestamp_applied: readOnly(
      datetime,
      'When the patch was installed, in UTC; the epoch while not applied',
    ),
    size: readOnly(int, 'Size of the patch file in bytes'),
    pool_patch: atCreate(ref('pool_patch'), 'Pool-wide patch this host entry came from; NULL when unknown', {
      default: nullRef(),
    }),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the host patch', {
      default: {},
    }),
  },
  calls: {
    destroy: call({
      doc: "Delete an unapplied patch from the host's disk and drop the record",
      role: 'pool-operator',
      params: { self: ref('host_patch') },
    }),
    apply: call({
      doc: 'Install the patch on its host and return the output of the installer',
      role: 'pool-operator',
      params: { self: ref('host_patch') },
      result: string,
    }),
  },
});

import { readOnly, readWrite, uuid, xenClass } from '../language';
import { datetime, float, map, string } from '../types';

export const VBD_metrics = xenClass('VBD_metrics', {
  doc: 'Removed metrics of a virtual block device; statistics now come from the RRDs',
  role: 'vm-admin',
  state: 'removed',
  fields: {
    uuid,
    io_read_kbs: readOnly(float, 'Read rate in KiB per second', { default: 0 }),
    io_write_kbs: readOnly(float, 'Write rate in KiB per second', { default: 0 }),
    last_updated: readOnly(datetime, 'When the rates were last sampled, in UTC', {
      default: '19700101T00:00:00Z',
    }),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the VBD metrics record',
      { default: {} },
    ),
  },
  calls: {},
});

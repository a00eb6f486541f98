import * as enums from '../enums';
import { readOnly, readWrite, uuid, xenClass } from '../language';
import { int, map, set, string } from '../types';

export const SM = xenClass('SM', {
  doc: 'A storage manager plugin that implements one kind of SR',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readOnly(string, 'Name of the storage driver shown to people; need not be unique', {
      default: '',
    }),
    name_description: readOnly(string, 'Free text that describes the storage driver', { default: '' }),
    type: readOnly(string, 'SR type the driver serves, such as lvm, nfs or ext'),
    vendor: readOnly(string, 'Author of the driver'),
    copyright: readOnly(string, 'Copyright notice of the driver'),
    version: readOnly(string, 'Release of the driver'),
    required_api_version: readOnly(string, 'Version of the storage manager API the driver speaks'),
    configuration: readOnly(
      map(string, string),
      'Device configuration keys the driver accepts, each with a description',
    ),
    capabilities: readOnly(
      set(string),
      'Deprecated list of capability names; features also carries versions',
      { default: [], state: 'deprecated' },
    ),
    features: readOnly(map(string, int), 'Capabilities of the driver, each mapped to its version number', {
      default: {},
    }),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the storage driver',
      { default: {} },
    ),
    driver_filename: readOnly(string, 'Path of the driver program on the hosts', { default: '' }),
    required_cluster_stack: readOnly(
      set(string),
      'Cluster stacks of which one must be running before the driver works; empty if none',
      { default: [] },
    ),
    supported_image_formats: readOnly(
      set(enums.image_format_type),
      'Disk image formats the driver can store, preferred one first',
      { default: [], state: 'prototyped' },
    ),
  },
  calls: {},
});

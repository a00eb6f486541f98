import * as enums from '../enums';
import { readOnly, readWrite, uuid, xenClass } from '../language';
import { int, map, set, string } from '../types';

export const SM = xenClass('SM', {
  doc: 'SM',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readOnly(string, 'name_label', { default: '' }),
    name_description: readOnly(string, 'name_description', { default: '' }),
    type: readOnly(string, 'type'),
    vendor: readOnly(string, 'vendor'),
    copyright: readOnly(string, 'copyright'),
    version: readOnly(string, 'version'),
    required_api_version: readOnly(string, 'required_api_version'),
    configuration: readOnly(map(string, string), 'configuration'),
    capabilities: readOnly(set(string), 'capabilities', { default: [], state: 'deprecated' }),
    features: readOnly(map(string, int), 'features', { default: {} }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    driver_filename: readOnly(string, 'driver_filename', { default: '' }),
    required_cluster_stack: readOnly(set(string), 'required_cluster_stack', { default: [] }),
    supported_image_formats: readOnly(set(enums.image_format_type), 'supported_image_formats', { default: [], state: 'prototyped' }),
  },
  calls: {
  },
});

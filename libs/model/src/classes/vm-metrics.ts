import * as enums from '../enums';
import { atCreate, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, float, int, map, set, string } from '../types';

export const VM_metrics = xenClass('VM_metrics', {
  doc: 'VM_metrics',
  role: 'vm-admin',
  fields: {
    uuid,
    memory_actual: readOnly(int, 'memory_actual'),
    VCPUs_number: readOnly(int, 'VCPUs_number'),
    VCPUs_utilisation: readOnly(map(int, float), 'VCPUs_utilisation', { default: {}, state: 'removed' }),
    VCPUs_CPU: readOnly(map(int, int), 'VCPUs_CPU'),
    VCPUs_params: readOnly(map(string, string), 'VCPUs_params'),
    VCPUs_flags: readOnly(map(int, set(string)), 'VCPUs_flags'),
    state: readOnly(set(string), 'state'),
    start_time: readOnly(datetime, 'start_time'),
    install_time: readOnly(datetime, 'install_time'),
    last_updated: readOnly(datetime, 'last_updated'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    hvm: readOnly(bool, 'hvm', { default: false }),
    nested_virt: readOnly(bool, 'nested_virt', { default: false }),
    nomigrate: readOnly(bool, 'nomigrate', { default: false }),
    current_domain_type: readOnly(enums.domain_type, 'current_domain_type', { default: 'unspecified' }),
    numa_optimised: atCreate(bool, 'numa_optimised', { default: false, state: 'prototyped' }),
    numa_nodes: atCreate(int, 'numa_nodes', { default: 0, state: 'prototyped' }),
    numa_node_memory: readOnly(map(int, int), 'numa_node_memory', { default: {}, state: 'prototyped' }),
  },
  calls: {
  },
});

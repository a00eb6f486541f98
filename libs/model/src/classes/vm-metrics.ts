import * as enums from '../enums';
import { atCreate, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, float, int, map, set, string } from '../types';

export const VM_metrics = xenClass('VM_metrics', {
  doc: 'Runtime facts about one VM that change with its domain',
  role: 'vm-admin',
  fields: {
    uuid,
    memory_actual: readOnly(int, 'Memory the domain holds now, in bytes'),
    VCPUs_number: readOnly(int, 'Virtual CPUs online now'),
    VCPUs_utilisation: readOnly(map(int, float), 'Removed: load per vCPU; empty, use the RRDs', {
      default: {},
      state: 'removed',
    }),
    VCPUs_CPU: readOnly(map(int, int), 'Physical CPU each vCPU sits on; empty on current releases'),
    VCPUs_params: readOnly(map(string, string), 'Live scheduler settings; empty on current releases'),
    VCPUs_flags: readOnly(map(int, set(string)), 'Run-state flags of each vCPU; empty on current releases'),
    state: readOnly(set(string), 'State words for the domain; empty on current releases'),
    start_time: readOnly(datetime, 'When the VM last booted; the epoch if never'),
    install_time: readOnly(datetime, 'When the VM was created or provisioned; the epoch if unknown'),
    last_updated: readOnly(datetime, 'When this record was last refreshed'),
    other_config: readWrite(map(string, string), 'Client-defined keys', { default: {} }),
    hvm: readOnly(bool, 'True if the running domain is HVM', { default: false }),
    nested_virt: readOnly(bool, 'True if the VM is running with nested virtualisation', { default: false }),
    nomigrate: readOnly(bool, 'True if the VM is running in a mode that rules out migration', {
      default: false,
    }),
    current_domain_type: readOnly(
      enums.domain_type,
      'Virtualisation mode of the running domain; unspecified while halted',
      { default: 'unspecified' },
    ),
    numa_optimised: atCreate(bool, "True if the VM's memory was placed on NUMA nodes deliberately", {
      default: false,
      state: 'prototyped',
    }),
    numa_nodes: atCreate(int, "Number of NUMA nodes holding the VM's memory", {
      default: 0,
      state: 'prototyped',
    }),
    numa_node_memory: readOnly(map(int, int), 'Memory held on each NUMA node, in bytes by node number', {
      default: {},
      state: 'prototyped',
    }),
  },
  calls: {},
});

import * as enums from '../enums';
import { atCreate, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, float, int, map, optional, ref, set, string } from '../types';

export const Cluster = xenClass('Cluster', {
  doc: 'Cluster',
  role: 'pool-operator',
  fields: {
    uuid,
    cluster_hosts: computed(set(ref('Cluster_host')), 'cluster_hosts', 'Cluster_host.cluster'),
    pending_forget: readOnly(set(string), 'pending_forget', { default: [] }),
    cluster_token: atCreate(string, 'cluster_token', { default: '' }),
    cluster_stack: atCreate(string, 'cluster_stack', { default: 'corosync' }),
    cluster_stack_version: atCreate(int, 'cluster_stack_version', { default: 2, state: 'prototyped' }),
    is_quorate: readOnly(bool, 'is_quorate', { default: false, state: 'prototyped' }),
    quorum: readOnly(int, 'quorum', { default: 0, state: 'prototyped' }),
    live_hosts: readOnly(int, 'live_hosts', { default: 0, state: 'prototyped' }),
    expected_hosts: readOnly(int, 'expected_hosts', { default: 0, state: 'prototyped' }),
    allowed_operations: readOnly(set(enums.cluster_operation), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.cluster_operation), 'current_operations', { default: {} }),
    pool_auto_join: atCreate(bool, 'pool_auto_join', { default: true }),
    token_timeout: atCreate(float, 'token_timeout', { default: 20 }),
    token_timeout_coefficient: atCreate(float, 'token_timeout_coefficient', { default: 1 }),
    cluster_config: atCreate(map(string, string), 'cluster_config', { default: {} }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { PIF: ref('PIF'), cluster_stack: string, pool_auto_join: bool, token_timeout: optional(float, 20), token_timeout_coefficient: optional(float, 1) }, result: ref('Cluster'), errors: ['INVALID_CLUSTER_STACK', 'INVALID_VALUE', 'PIF_ALLOWS_UNPLUG', 'REQUIRED_PIF_IS_UNPLUGGED'] }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('Cluster') }, errors: ['CLUSTER_DOES_NOT_HAVE_ONE_NODE', 'CLUSTER_STACK_IN_USE'] }),
    get_network: planned({ doc: 'get_network', role: 'read-only', params: { self: ref('Cluster') }, result: ref('network') }),
    pool_create: planned({ doc: 'pool_create', role: 'pool-operator', params: { network: ref('network'), cluster_stack: string, token_timeout: optional(float, 20), token_timeout_coefficient: optional(float, 1) }, result: ref('Cluster') }),
    pool_force_destroy: planned({ doc: 'pool_force_destroy', role: 'pool-operator', params: { self: ref('Cluster') }, errors: ['CLUSTER_FORCE_DESTROY_FAILED'] }),
    pool_destroy: planned({ doc: 'pool_destroy', role: 'pool-operator', params: { self: ref('Cluster') }, errors: ['CLUSTER_STACK_IN_USE', 'CLUSTERING_DISABLED', 'CLUSTER_HOST_IS_LAST'] }),
    pool_resync: planned({ doc: 'pool_resync', role: 'pool-operator', params: { self: ref('Cluster') } }),
  },
});

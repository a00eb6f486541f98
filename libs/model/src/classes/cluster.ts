import * as enums from '../enums';
import { atCreate, call, computed, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, float, int, map, optional, ref, set, string } from '../types';

export const Cluster = xenClass('Cluster', {
  doc: 'The corosync cluster formed by hosts of the pool for clustered storage',
  role: 'pool-operator',
  fields: {
    uuid,
    cluster_hosts: computed(
      set(ref('Cluster_host')),
      'Membership records of its hosts',
      'Cluster_host.cluster',
    ),
    pending_forget: readOnly(set(string), 'Addresses of dead members that still have to be removed', {
      default: [],
    }),
    cluster_token: atCreate(string, 'Secret shared by the members', { default: '' }),
    cluster_stack: atCreate(string, 'Cluster software in use, such as corosync', { default: 'corosync' }),
    cluster_stack_version: atCreate(int, 'Major version of the cluster software', {
      default: 2,
      state: 'prototyped',
    }),
    is_quorate: readOnly(bool, 'True while enough members are alive for the cluster to work', {
      default: false,
      state: 'prototyped',
    }),
    quorum: readOnly(int, 'Number of live members needed to stay quorate', {
      default: 0,
      state: 'prototyped',
    }),
    live_hosts: readOnly(int, 'Number of members alive now', { default: 0, state: 'prototyped' }),
    expected_hosts: readOnly(int, 'Number of members the cluster counts on', {
      default: 0,
      state: 'prototyped',
    }),
    allowed_operations: readOnly(
      set(enums.cluster_operation),
      'Operations the cluster would accept now; only a hint, checked again on call',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.cluster_operation),
      'Operations under way on the cluster, keyed by task',
      { default: {} },
    ),
    pool_auto_join: atCreate(bool, 'True when hosts that join the pool also join the cluster', {
      default: true,
    }),
    token_timeout: atCreate(float, 'Seconds without the token before a member is suspected lost', {
      default: 20,
    }),
    token_timeout_coefficient: atCreate(float, 'Seconds added to the timeout for each member beyond two', {
      default: 1,
    }),
    cluster_config: atCreate(
      map(string, string),
      'Settings of the stack that must be the same on every member',
      { default: {} },
    ),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the cluster', {
      default: {},
    }),
  },
  calls: {
    create: call({
      doc: 'Found a cluster with this host as its only member, on the given interface',
      role: 'pool-operator',
      params: {
        PIF: ref('PIF'),
        cluster_stack: string,
        pool_auto_join: bool,
        token_timeout: optional(float, 20),
        token_timeout_coefficient: optional(float, 1),
      },
      result: ref('Cluster'),
      errors: ['INVALID_CLUSTER_STACK', 'INVALID_VALUE', 'PIF_ALLOWS_UNPLUG', 'REQUIRED_PIF_IS_UNPLUGGED'],
    }),
    destroy: call({
      doc: 'Dissolve a cluster that has one member left',
      role: 'pool-operator',
      params: { self: ref('Cluster') },
      errors: ['CLUSTER_DOES_NOT_HAVE_ONE_NODE', 'CLUSTER_STACK_IN_USE'],
    }),
    get_network: call({
      doc: 'Network the cluster communicates on; fails when members use different ones',
      role: 'read-only',
      params: { self: ref('Cluster') },
      result: ref('network'),
    }),
    pool_create: call({
      doc: 'Found a cluster and make every host of the pool a member',
      role: 'pool-operator',
      params: {
        network: ref('network'),
        cluster_stack: string,
        token_timeout: optional(float, 20),
        token_timeout_coefficient: optional(float, 1),
      },
      result: ref('Cluster'),
    }),
    pool_force_destroy: call({
      doc: 'Dissolve the cluster across the pool even when some members fail to leave',
      role: 'pool-operator',
      params: { self: ref('Cluster') },
      errors: ['CLUSTER_FORCE_DESTROY_FAILED'],
    }),
    pool_destroy: call({
      doc: 'Dissolve the cluster after making every member leave in order',
      role: 'pool-operator',
      params: { self: ref('Cluster') },
      errors: ['CLUSTER_STACK_IN_USE', 'CLUSTERING_DISABLED', 'CLUSTER_HOST_IS_LAST'],
    }),
    pool_resync: call({
      doc: 'Create missing memberships and enable those of enabled hosts across the pool',
      role: 'pool-operator',
      params: { self: ref('Cluster') },
    }),
  },
});

import * as enums from '../enums';
import { atCreate, call, readOnly, uuid, xenClass } from '../language';
import { bool, datetime, map, nullRef, ref, set, string } from '../types';

export const Cluster_host = xenClass('Cluster_host', {
  doc: 'Membership of one host in the cluster',
  role: 'pool-admin',
  fields: {
    uuid,
    cluster: atCreate(ref('Cluster'), 'Cluster the host belongs to', { default: nullRef() }),
    host: atCreate(ref('host'), 'Host this membership is for', { default: nullRef() }),
    enabled: readOnly(bool, 'True when the cluster software should run on the host', { default: false }),
    PIF: atCreate(ref('PIF'), 'Interface used for cluster traffic', { default: nullRef() }),
    joined: readOnly(bool, 'True once the host has really joined the cluster', { default: true }),
    live: readOnly(bool, 'True while the cluster sees the host alive', {
      default: false,
      state: 'prototyped',
    }),
    last_update_live: readOnly(datetime, 'When liveness was last learned, in UTC', {
      default: '19700101T00:00:00Z',
      state: 'prototyped',
    }),
    allowed_operations: readOnly(
      set(enums.cluster_host_operation),
      'Operations the cluster member would accept now; only a hint, checked again on call',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.cluster_host_operation),
      'Operations under way on the cluster member, keyed by task',
      { default: {} },
    ),
    other_config: atCreate(
      map(string, string),
      'Extra keys and values clients store with the cluster member',
      { default: {} },
    ),
  },
  calls: {
    create: call({
      doc: 'Make a host a member of the cluster through the given interface',
      role: 'pool-operator',
      params: { cluster: ref('Cluster'), host: ref('host'), pif: ref('PIF') },
      result: ref('Cluster_host'),
      errors: ['PIF_NOT_ATTACHED_TO_HOST', 'NO_CLUSTER_HOSTS_REACHABLE'],
    }),
    destroy: call({
      doc: 'Let an enabled host leave the cluster and drop its membership',
      role: 'pool-operator',
      params: { self: ref('Cluster_host') },
      errors: ['CLUSTER_STACK_IN_USE', 'CLUSTERING_DISABLED', 'CLUSTER_HOST_IS_LAST'],
    }),
    enable: call({
      doc: 'Start cluster software on the member and let it take part',
      role: 'pool-operator',
      params: { self: ref('Cluster_host') },
      errors: ['PIF_ALLOWS_UNPLUG', 'REQUIRED_PIF_IS_UNPLUGGED'],
    }),
    force_destroy: call({
      doc: 'Drop the membership without an orderly leave; data may be at risk',
      role: 'pool-operator',
      params: { self: ref('Cluster_host') },
      errors: ['CLUSTER_STACK_IN_USE'],
    }),
    disable: call({
      doc: 'Stop cluster software on the member while keeping its membership',
      role: 'pool-operator',
      params: { self: ref('Cluster_host') },
      errors: ['CLUSTER_STACK_IN_USE'],
    }),
  },
});

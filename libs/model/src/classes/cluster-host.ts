import * as enums from '../enums';
import { atCreate, planned, readOnly, uuid, xenClass } from '../language';
import { bool, datetime, map, nullRef, ref, set, string } from '../types';

export const Cluster_host = xenClass('Cluster_host', {
  doc: 'Cluster_host',
  role: 'pool-admin',
  fields: {
    uuid,
    cluster: atCreate(ref('Cluster'), 'cluster', { default: nullRef() }),
    host: atCreate(ref('host'), 'host', { default: nullRef() }),
    enabled: readOnly(bool, 'enabled', { default: false }),
    PIF: atCreate(ref('PIF'), 'PIF', { default: nullRef() }),
    joined: readOnly(bool, 'joined', { default: true }),
    live: readOnly(bool, 'live', { default: false, state: 'prototyped' }),
    last_update_live: readOnly(datetime, 'last_update_live', { default: '19700101T00:00:00Z', state: 'prototyped' }),
    allowed_operations: readOnly(set(enums.cluster_host_operation), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.cluster_host_operation), 'current_operations', { default: {} }),
    other_config: atCreate(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { cluster: ref('Cluster'), host: ref('host'), pif: ref('PIF') }, result: ref('Cluster_host'), errors: ['PIF_NOT_ATTACHED_TO_HOST', 'NO_CLUSTER_HOSTS_REACHABLE'] }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('Cluster_host') }, errors: ['CLUSTER_STACK_IN_USE', 'CLUSTERING_DISABLED', 'CLUSTER_HOST_IS_LAST'] }),
    enable: planned({ doc: 'enable', role: 'pool-operator', params: { self: ref('Cluster_host') }, errors: ['PIF_ALLOWS_UNPLUG', 'REQUIRED_PIF_IS_UNPLUGGED'] }),
    force_destroy: planned({ doc: 'force_destroy', role: 'pool-operator', params: { self: ref('Cluster_host') }, errors: ['CLUSTER_STACK_IN_USE'] }),
    disable: planned({ doc: 'disable', role: 'pool-operator', params: { self: ref('Cluster_host') }, errors: ['CLUSTER_STACK_IN_USE'] }),
  },
});

/** Every HTTP handler beside the calls: its name among the permissions (`http/<name>`), method, path and least role. */
import type { Role } from './roles';

export type HandlerMethod = 'GET' | 'POST' | 'PUT' | 'CONNECT' | 'OPTIONS';
export interface HandlerFacts {
  readonly method: HandlerMethod;
  readonly path: string;
  readonly role: Role;
  /** Also open to the internal client-certificate role. */
  readonly clientCert?: true;
  /** Answers without a session as well. */
  readonly open?: true;
  /** Permissions that parts of it need beyond its own. */
  readonly parts?: Readonly<Record<string, Role>>;
}

export const handlers = {
  get_services: { method: 'GET', path: '/services', role: 'read-only' },
  post_services: { method: 'POST', path: '/services', role: 'pool-admin' },
  put_services: { method: 'PUT', path: '/services', role: 'pool-admin' },
  post_remote_db_access: { method: 'POST', path: '/remote_db_access', role: 'pool-admin' },
  post_remote_db_access_v2: { method: 'POST', path: '/remote_db_access_v2', role: 'pool-admin' },
  get_services_xenops: { method: 'GET', path: '/services/xenops', role: 'vm-power-admin' },
  post_services_xenops: {
    method: 'POST',
    path: '/services/xenops',
    role: 'vm-power-admin',
    clientCert: true,
  },
  put_services_xenops: { method: 'PUT', path: '/services/xenops', role: 'vm-power-admin', clientCert: true },
  get_services_sm: { method: 'GET', path: '/services/SM', role: 'vm-power-admin' },
  post_services_sm: { method: 'POST', path: '/services/SM', role: 'vm-power-admin' },
  put_services_sm: { method: 'PUT', path: '/services/SM', role: 'vm-power-admin' },
  put_import: { method: 'PUT', path: '/import', role: 'vm-admin' },
  put_import_metadata: { method: 'PUT', path: '/import_metadata', role: 'vm-admin' },
  put_import_raw_vdi: { method: 'PUT', path: '/import_raw_vdi', role: 'vm-admin' },
  get_export: { method: 'GET', path: '/export', role: 'vm-admin' },
  get_export_metadata: { method: 'GET', path: '/export_metadata', role: 'vm-admin' },
  get_export_raw_vdi: { method: 'GET', path: '/export_raw_vdi', role: 'vm-admin' },
  connect_console: {
    method: 'CONNECT',
    path: '/console',
    role: 'vm-operator',
    parts: { host_console: 'pool-admin' },
  },
  connect_console_ws: {
    method: 'GET',
    path: '/console',
    role: 'vm-operator',
    parts: { host_console_ws: 'pool-admin' },
  },
  get_root: { method: 'GET', path: '/', role: 'read-only', open: true },
  post_cli: { method: 'POST', path: '/cli', role: 'read-only', open: true },
  get_host_backup: { method: 'GET', path: '/host_backup', role: 'pool-admin' },
  put_host_restore: { method: 'PUT', path: '/host_restore', role: 'pool-admin' },
  get_host_logs_download: { method: 'GET', path: '/host_logs_download', role: 'pool-operator' },
  put_pool_patch_upload: { method: 'PUT', path: '/pool_patch_upload', role: 'pool-operator' },
  get_vncsnapshot: {
    method: 'GET',
    path: '/vncsnapshot',
    role: 'vm-operator',
    parts: { host_console: 'pool-admin' },
  },
  get_pool_xml_db_sync: { method: 'GET', path: '/pool/xmldbdump', role: 'pool-admin' },
  put_pool_xml_db_sync: { method: 'PUT', path: '/pool/xmldbdump', role: 'pool-admin' },
  get_config_sync: { method: 'GET', path: '/sync_config_files', role: 'pool-admin' },
  get_system_status: { method: 'GET', path: '/system-status', role: 'pool-operator' },
  vm_rrd: { method: 'GET', path: '/vm_rrd', role: 'read-only' },
  get_vm_rrds: { method: 'GET', path: '/vm_rrds', role: 'read-only' },
  host_rrd: { method: 'GET', path: '/host_rrd', role: 'read-only' },
  get_host_rrds: { method: 'GET', path: '/host_rrds', role: 'read-only' },
  sr_rrd: { method: 'GET', path: '/sr_rrd', role: 'read-only' },
  rrd_updates: { method: 'GET', path: '/rrd_updates', role: 'read-only' },
  rrd: { method: 'PUT', path: '/rrd', role: 'pool-admin' },
  get_blob: { method: 'GET', path: '/blob', role: 'read-only', open: true },
  put_blob: { method: 'PUT', path: '/blob', role: 'vm-power-admin' },
  put_messages: { method: 'PUT', path: '/messages', role: 'vm-power-admin' },
  connect_remotecmd: { method: 'CONNECT', path: '/remotecmd', role: 'pool-admin' },
  get_wlb_report: { method: 'GET', path: '/wlb_report', role: 'read-only' },
  get_wlb_diagnostics: { method: 'GET', path: '/wlb_diagnostics', role: 'read-only' },
  get_audit_log: { method: 'GET', path: '/audit_log', role: 'read-only' },
  post_root: { method: 'POST', path: '/', role: 'read-only', open: true },
  post_RPC2: { method: 'POST', path: '/RPC2', role: 'read-only', open: true },
  post_json: { method: 'POST', path: '/json', role: 'read-only', open: true },
  post_root_options: { method: 'OPTIONS', path: '/', role: 'read-only', open: true },
  post_json_options: { method: 'OPTIONS', path: '/json', role: 'read-only', open: true },
  post_jsonrpc: { method: 'POST', path: '/jsonrpc', role: 'read-only', open: true },
  post_jsonrpc_options: { method: 'OPTIONS', path: '/jsonrpc', role: 'read-only', open: true },
  get_pool_update_download: { method: 'GET', path: '/update/', role: 'read-only', open: true },
  get_repository: { method: 'GET', path: '/repository', role: 'local-root' },
  get_enabled_repository: {
    method: 'GET',
    path: '/repository/enabled',
    role: 'pool-operator',
    clientCert: true,
  },
  get_host_updates: { method: 'GET', path: '/host_updates', role: 'pool-operator', clientCert: true },
  get_updates: { method: 'GET', path: '/updates', role: 'pool-operator', clientCert: true },
  put_bundle: { method: 'PUT', path: '/bundle', role: 'pool-operator' },
} as const satisfies Readonly<Record<string, HandlerFacts>>;

export type HandlerName = keyof typeof handlers;
export const handlerNamed = (name: HandlerName): HandlerFacts => handlers[name];

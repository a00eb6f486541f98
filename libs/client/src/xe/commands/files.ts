/** Commands that move files between the user and the server. */
import { decodeTaskResult } from '@xenplane/wire';
import { flagged, Misuse, optional, required, type Arguments } from '../arguments';
import { perform, row, type Command } from '../row';
import { selectHosts, selectVms } from '../select';
import type { Surroundings } from '../terminal';
import { transfer, type Transfer } from '../transfer';

const text = async ({ terminal }: Surroundings, file: string): Promise<string> => Buffer.from(await terminal.readFile(file)).toString('utf8');
const baseName = (file: string): string => file.split('/').pop() ?? file;
const fileOf = (args: Arguments, name = 'file-name'): string => optional(args, name) ?? optional(args, name === 'file-name' ? 'filename' : 'file-name') ?? '';

/** One file to or from one address. */
const moved =
  (plan: (args: Arguments, around: Surroundings) => Promise<Transfer>, after?: (result: string, around: Surroundings) => Promise<void>): Command =>
  async (args, around) => {
    const result = await transfer(around, await plan(args, around));
    await after?.(result, around);
  };

async function compression(args: Arguments): Promise<string> {
  const wanted = optional(args, 'compress');
  if (wanted === 'zstd' || wanted === 'gzip') return wanted;
  return String(flagged(args, 'compress'));
}
async function exportVm(args: Arguments, around: Surroundings, vm: string, snapshots: boolean): Promise<void> {
  const metadata = flagged(args, 'metadata');
  const excluded = optional(args, 'excluded-device-types');
  await transfer(around, {
    direction: 'get',
    file: required(args, 'filename'),
    path: metadata ? '/export_metadata' : '/export',
    query: {
      ref: vm,
      use_compression: await compression(args),
      preserve_power_state: String(flagged(args, 'preserve-power-state')),
      export_snapshots: String(snapshots),
      ...(excluded === undefined ? {} : { excluded_device_types: excluded }),
    },
    label: 'Export',
    progress: true,
  });
  around.terminal.print('Export succeeded');
}
const vmExport: Command = async (args, around) => {
  const [vm = ''] = await selectVms(args, around, [], true);
  await exportVm(args, around, vm, flagged(args, 'include-snapshots'));
};
const ofUuid =
  (name: string): Command =>
  async (args, around) =>
    exportVm(args, around, await around.objects.byUuid('VM', required(args, name)), false);

const vmImport: Command = async (args, around) => {
  const { objects, terminal } = around;
  const uuid = optional(args, 'sr-uuid'),
    url = optional(args, 'url'),
    preserve = flagged(args, 'preserve'),
    force = flagged(args, 'force');
  const sr = uuid === undefined ? undefined : await objects.byUuid('SR', uuid);
  if (url !== undefined) {
    const into = sr ?? (await objects.api.call<string>('pool.get_default_SR', await objects.pool()));
    return told((await perform(around, 'VM.import', url, into, preserve, force)) as string[], around);
  }
  const file = optional(args, 'filename');
  if (file === undefined) throw new Misuse('Required parameter not found: filename');
  const metadata = flagged(args, 'metadata');
  const result = await transfer(around, {
    direction: 'put',
    file,
    path: metadata ? '/import_metadata' : '/import',
    query: { restore: String(preserve), force: String(force), dry_run: String(flagged(args, 'dry-run')), ...(sr === undefined ? {} : { sr_id: sr }) },
    label: 'Import',
    progress: true,
  });
  const vms = decodeTaskResult({ kind: 'set', of: { kind: 'ref', cls: 'VM' } }, result);
  if (!Array.isArray(vms)) return terminal.print(String(vms));
  await told(vms.map(String), around);
};
async function told(vms: readonly string[], { objects, terminal }: Surroundings): Promise<void> {
  terminal.print((await Promise.all(vms.map((vm) => objects.uuidOf('VM', vm)))).join(','));
}

const vdiMove = (direction: 'get' | 'put'): Command =>
  moved(async (args) => ({
    direction,
    file: required(args, 'filename'),
    path: direction === 'get' ? '/export_raw_vdi' : '/import_raw_vdi',
    query: {
      vdi: required(args, 'uuid'),
      format: optional(args, 'format') ?? 'raw',
      ...(optional(args, 'base') === undefined ? {} : { base: optional(args, 'base') ?? '' }),
    },
    label: direction === 'get' ? 'Export' : 'Import',
    progress: flagged(args, 'progress'),
  }));

const onHost =
  (direction: 'get' | 'put', path: string, label: string, more: (args: Arguments) => Readonly<Record<string, string>> = () => ({})): Command =>
  async (args, around) => {
    const [host = ''] = await selectHosts(args, around, [], true);
    await transfer(around, { direction, file: fileOf(args), path, query: { host_id: await around.objects.uuidOf('host', host), ...more(args) }, label });
  };
const systemStatus: Command = onHost('get', '/system-status', 'System status', (args) => ({
  entries: optional(args, 'entries') ?? '',
  output: optional(args, 'output') ?? 'tar.bz2',
}));
/** Into a file named for the host unless the user says which. */
const logs: Command = async (args, around) => {
  const [host = ''] = await selectHosts(args, around, [], true);
  const record = await around.objects.one('host', host);
  const name = String(record?.['hostname'] ?? 'host');
  const file = optional(args, 'file-name') ?? `logs-${name}-${new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)}Z.tar.gz`;
  await transfer(around, { direction: 'get', file, path: '/host_logs_download', query: { host_id: String(record?.['uuid']) }, label: 'Log download' });
};

const certificate =
  (method: string): Command =>
  async (args, around) => {
    const file = required(args, 'filename');
    await perform(around, method, baseName(file), await text(around, file));
  };
const trusted: Command = async (args, around) => {
  const purposes = optional(args, 'purpose')?.split(',').filter(Boolean) ?? [];
  const content = await text(around, required(args, 'filename'));
  await perform(around, 'pool.install_trusted_certificate', await around.objects.pool(), flagged(args, 'ca'), content, purposes);
};
const remotePool: Command = async (args, around) => {
  const content = await text(around, required(args, 'certificate-file'));
  await row('Repository.introduce_remote_pool', 'name-label', 'name-description', 'binary-url', { is: content })(args, around);
};

const patchUpload = moved(
  (args) => Promise.resolve({ direction: 'put', file: required(args, 'file-name'), path: '/pool_patch_upload', label: 'Patch upload' }),
  async (result, { objects, terminal }) =>
    terminal.print(await objects.uuidOf('pool_patch', String(decodeTaskResult({ kind: 'ref', cls: 'pool_patch' }, result)))),
);
/** The package becomes a disk of a storage, the disk an update. */
const updateUpload: Command = async (args, around) => {
  const { objects } = around;
  const uuid = optional(args, 'sr-uuid'),
    file = required(args, 'file-name');
  const sr = uuid === undefined ? await objects.api.call<string>('pool.get_default_SR', await objects.pool()) : await objects.byUuid('SR', uuid);
  const result = await transfer(around, {
    direction: 'put',
    file,
    path: '/import_raw_vdi',
    query: { sr_uuid: await objects.uuidOf('SR', sr), format: 'raw' },
    label: 'Update upload',
  });
  const vdi = String(decodeTaskResult({ kind: 'ref', cls: 'VDI' }, result));
  await objects.api.call('VDI.set_name_label', vdi, baseName(file));
  around.terminal.print(await objects.uuidOf('pool_update', String(await perform(around, 'pool_update.introduce', vdi))));
};

const database = (direction: 'get' | 'put'): Command =>
  moved((args) => {
    const query: Record<string, string> = direction === 'put' ? { dry_run: String(flagged(args, 'dry-run')) } : {};
    const label = direction === 'get' ? 'Database dump' : 'Database restore';
    return Promise.resolve({ direction, file: required(args, 'file-name'), path: '/pool/xmldbdump', query, label });
  });
const blob = (direction: 'get' | 'put'): Command =>
  moved(async (args, { objects }) => ({
    direction,
    file: required(args, 'filename'),
    path: '/blob',
    query: { ref: await objects.byUuid('blob', required(args, 'uuid')) },
    label: 'Blob transfer',
  }));
const report = (path: string, label: string, query: (args: Arguments) => Readonly<Record<string, string>>): Command =>
  moved((args) => Promise.resolve({ direction: 'get', file: fileOf(args, 'filename'), path, query: query(args), label }));

/** The terminal of a VM: its text console before its picture. */
const console: Command = async (args, { objects, terminal }) => {
  const [vm = ''] = await selectVms(args, { objects, terminal, minimal: false, abroad: () => Promise.reject(new Error('one pool')) }, [], true);
  const consoles = await objects.api.call<string[]>('VM.get_consoles', vm);
  const records = await Promise.all(consoles.map((ref) => objects.one('console', ref)));
  const text = records.find((r) => r?.['protocol'] === 'vt100');
  if (!text) throw new Misuse('No text console available');
  const location = new URL(String(text['location']));
  location.searchParams.set('session_id', objects.api.session);
  if (!(await terminal.httpConnect(location.pathname + location.search))) throw new Misuse('The console could not be reached');
};

export const fileCommands: Readonly<Record<string, Command>> = {
  'vm-export': vmExport,
  'vm-import': vmImport,
  'snapshot-export-to-template': ofUuid('snapshot-uuid'),
  'template-export': ofUuid('template-uuid'),
  'vdi-export': vdiMove('get'),
  'vdi-import': vdiMove('put'),
  'host-backup': onHost('get', '/host_backup', 'Host backup'),
  'host-restore': onHost('put', '/host_restore', 'Host restore'),
  'host-logs-download': logs,
  'host-get-system-status': systemStatus,
  'pool-dump-database': database('get'),
  'pool-restore-database': database('put'),
  'pool-certificate-install': certificate('pool.install_ca_certificate'),
  'pool-install-ca-certificate': certificate('pool.install_ca_certificate'),
  'pool-crl-install': certificate('pool.crl_install'),
  'pool-install-trusted-certificate': trusted,
  'pool-sync-bundle': moved((args) => Promise.resolve({ direction: 'put', file: required(args, 'filename'), path: '/bundle', label: 'Bundle upload' })),
  'pool-retrieve-wlb-report': report('/wlb_report', 'Report', (args) => ({
    report: required(args, 'report'),
    ...Object.fromEntries(args.pairs.filter(([n]) => !['report', 'filename'].includes(n))),
  })),
  'pool-retrieve-wlb-diagnostics': report('/wlb_diagnostics', 'Diagnostics', () => ({})),
  'patch-upload': patchUpload,
  'update-upload': updateUpload,
  'audit-log-get': report('/audit_log', 'Audit log', (args): Record<string, string> => {
    const since = optional(args, 'since');
    return since === undefined ? {} : { since };
  }),
  'blob-get': blob('get'),
  'blob-put': blob('put'),
  'repository-introduce-remote-pool': remotePool,
  console,
};

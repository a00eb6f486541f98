/** Commands that move files between the user and the server. */
import { decodeTaskResult } from '@xenplane/wire';
import { Ended, flagged, keyed, listed, Misuse, optional, required, type Arguments } from '../arguments';
import { given as words } from '../filters';
import { fileOf } from '../loaded';
import { onEach, perform, row, type Command } from '../row';
import { select, selectHosts } from '../select';
import type { Surroundings } from '../surroundings';
import { moved, told, type Transfer } from '../transfer';
import { ofKind } from './snapshots';
import { onVms } from './vm';

const baseName = (file: string): string => file.split('/').pop() ?? file;

const algorithms = ['zstd', 'gzip'];
/** The compression asked of the server: an algorithm, or yes or no. */
function compression(args: Arguments): string {
  const wanted = optional(args, 'compress') ?? 'false';
  return algorithms.includes(wanted) ? wanted : String(wanted === 'true');
}
interface Exported {
  readonly vm: string;
  readonly file: string;
}
async function exportVm(args: Arguments, around: Surroundings, { vm, file }: Exported): Promise<void> {
  const { objects } = around;
  const metadata = flagged(args, 'metadata'),
    own = optional(args, 'task-uuid');
  const plan: Transfer = {
    direction: 'get',
    file,
    path: metadata ? '/export_metadata' : '/export',
    query: {
      ref: vm,
      use_compression: compression(args),
      preserve_power_state: String(flagged(args, 'preserve-power-state')),
      export_snapshots: String(flagged(args, 'include-snapshots')),
      ...(metadata ? { excluded_device_types: optional(args, 'excluded-device-types') ?? '' } : {}),
    },
    label: 'Export of VM',
    description: await objects.uuidOf('VM', vm),
    ...(own === undefined ? {} : { task: await objects.byUuid('task', own) }),
    progress: true,
  };
  await told(around, plan, 'Export');
}
/** Of several VMs the second and later ones go to files with a number. */
const vmExport: Command = async (args, around) => {
  const file = required(args, 'filename');
  let count = 0;
  await onVms((vm) => exportVm(args, around, { vm, file: (count += 1) > 1 ? `${file}${count}` : file }))(
    args,
    around,
  );
};
const exportOf =
  (kind: 'snapshot' | 'template'): Command =>
  async (args, around) =>
    exportVm(args, around, {
      vm: await ofKind(kind, required(args, `${kind}-uuid`), around.objects),
      file: required(args, 'filename'),
    });

async function storageFor(args: Arguments, { objects }: Surroundings, otherwise: string): Promise<string> {
  const uuid = optional(args, 'sr-uuid');
  if (uuid !== undefined) return objects.byUuid('SR', uuid);
  const usual = await objects.api.call<string>('pool.get_default_SR', await objects.pool());
  if (!(await objects.one('SR', usual))) throw new Misuse(otherwise);
  return usual;
}
/** Servers of other kinds, whose VMs are converted as they come. */
const isForeign = (args: Arguments): boolean =>
  ['esxserver', 'virtualcenter', 'hypervserver'].includes((optional(args, 'type') ?? '').toLowerCase());
async function convert(args: Arguments, around: Surroundings, sr: string): Promise<void> {
  const [user, password] = [required(args, 'host-username'), required(args, 'host-password')];
  await perform(
    around,
    'VM.import_convert',
    required(args, 'type'),
    user,
    password,
    sr,
    Object.fromEntries(keyed(args, 'remote-config')),
  );
}
const nobodysUuid = 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx';
const vmImport: Command = async (args, around) => {
  const { objects, terminal } = around;
  const sr = await storageFor(args, around, 'No SR specified and Pool default SR is null'),
    url = optional(args, 'url'),
    preserve = flagged(args, 'preserve'),
    force = flagged(args, 'force'),
    dryRun = flagged(args, 'dry-run');
  if (url !== undefined && optional(args, 'filename') !== undefined)
    throw new Ended(
      "Invalid arguments. The 'url' and 'filename' parameters should not both be specified.\n",
      1,
    );
  if (isForeign(args)) return convert(args, around, sr);
  const vms =
    url === undefined
      ? await imported(args, around, sr)
      : ((await perform(around, 'VM.import', url, sr, preserve, force)) as string[]);
  const uuids = await Promise.all(vms.map((vm) => objects.uuidOf('VM', vm)));
  terminal.print(uuids.length === 0 && dryRun ? nobodysUuid : uuids.join(','));
};
async function imported(args: Arguments, around: Surroundings, sr: string): Promise<readonly string[]> {
  const metadata = flagged(args, 'metadata'),
    own = optional(args, 'task-uuid');
  const file = required(args, 'filename').replace(/ova\.xml$/i, '');
  if (!metadata && flagged(args, 'dry-run'))
    throw new Ended('Only metadata import function support dry-run\n', 1);
  const result = await moved(around, {
    direction: 'put',
    file,
    path: metadata ? '/import_metadata' : '/import',
    query: {
      restore: String(flagged(args, 'preserve')),
      force: String(flagged(args, 'force')),
      dry_run: String(flagged(args, 'dry-run')),
      sr_id: sr,
      ...Object.fromEntries(keyed(args, 'vdi').map(([from, to]) => [`vdi:${from}`, to])),
    },
    label: 'VM import',
    ...(own === undefined ? {} : { task: await around.objects.byUuid('task', own) }),
    progress: true,
  });
  const vms = decodeTaskResult({ kind: 'set', of: { kind: 'ref', cls: 'VM' } }, result);
  return Array.isArray(vms) ? vms.map(String) : [];
}

const given = (args: Arguments, ...names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names.flatMap((name) => (optional(args, name) === undefined ? [] : [[name, optional(args, name) ?? '']])),
  );
const vdiMove =
  (direction: 'get' | 'put'): Command =>
  async (args, around) => {
    const vdi = await around.objects.byUuid('VDI', required(args, 'uuid'));
    await moved(around, {
      direction,
      file: required(args, 'filename'),
      path: direction === 'get' ? '/export_raw_vdi' : '/import_raw_vdi',
      query: { vdi, ...given(args, ...(direction === 'get' ? ['format', 'base'] : ['format'])) },
      label: direction === 'get' ? 'VDI export' : 'VDI import',
      progress: flagged(args, 'progress'),
    });
  };

/** One file to or from one address of one host. */
const onHost =
  (direction: 'get' | 'put', path: string, label: string): Command =>
  async (args, around) => {
    const [host = ''] = await selectHosts(args, around, [], true);
    await moved(around, {
      direction,
      file: required(args, 'file-name'),
      path,
      query: { host_id: await around.objects.uuidOf('host', host) },
      label,
    });
  };
const reportForms = ['tar.bz2', 'tar', 'zip'];
const systemStatus: Command = async (args, around) => {
  const output = optional(args, 'output') ?? 'tar.bz2';
  if (!reportForms.includes(output))
    throw new Misuse("Invalid output format. Must be 'tar', 'zip' or 'tar.bz2'");
  await onEach(around, 'host', await selectHosts(args, around, [], false), async (host) => {
    const query = {
      entries: optional(args, 'entries') ?? '',
      output,
      host_id: await around.objects.uuidOf('host', host),
    };
    await moved(around, {
      direction: 'get',
      file: required(args, 'filename'),
      path: '/system-status',
      query,
      label: 'system-status download',
    });
  });
};
/** Into a file named for the time unless the user says which; of several hosts each with its name. */
const logs: Command = async (args, around) => {
  const hosts = await selectHosts(args, around, [], false),
    now = new Date();
  const date = `${now.getUTCFullYear()}-${now.getUTCMonth() + 1}-${now.getUTCDate()}`;
  const file =
    optional(args, 'file-name') ?? `logs-${date}T${now.toISOString().slice(11, 19).replaceAll(':', '')}Z`;
  await onEach(around, 'host', hosts, async (host) => {
    const record = await around.objects.one('host', host);
    const suffix = hosts.length === 1 ? '' : `-${String(record?.['name_label'])}`;
    const query = { host_id: String(record?.['uuid']) };
    await moved(around, {
      direction: 'get',
      file: `${file}${suffix}`,
      path: '/host_logs_download',
      query,
      label: 'host logs download',
    });
  });
};

const certificate =
  (method: string, what: string): Command =>
  async (args, around) => {
    const file = required(args, 'filename');
    await perform(around, method, baseName(file), await fileOf(around, file, `Failed to read ${what}`));
  };
const trusted: Command = async (args, around) => {
  const content = await fileOf(around, required(args, 'filename'), 'Failed to read certificate');
  await perform(
    around,
    'pool.install_trusted_certificate',
    await around.objects.pool(optional(args, 'uuid')),
    flagged(args, 'ca'),
    content,
    listed(args, 'purpose'),
  );
};
const remotePool: Command = async (args, around) => {
  const content = await fileOf(around, required(args, 'certificate-file'), 'Failed to read certificate file');
  await row('Repository.introduce_remote_pool', 'name-label', 'name-description', 'binary-url', {
    is: content,
  })(args, around);
};

const patchUpload: Command = async (args, around) => {
  const { objects, terminal } = around;
  const result = await moved(around, {
    direction: 'put',
    file: required(args, 'file-name'),
    path: '/pool_patch_upload',
    label: 'host patch upload',
  });
  terminal.print(
    await objects.uuidOf('pool_patch', String(decodeTaskResult({ kind: 'ref', cls: 'pool_patch' }, result))),
  );
};
/** The package becomes a disk of a storage, the disk an update. */
const updateUpload: Command = async (args, around) => {
  const { objects, terminal } = around;
  const file = required(args, 'file-name'),
    sr = await storageFor(
      args,
      around,
      "No sr-uuid parameter was given, and the pool's default SR is unspecified or invalid. Please explicitly specify the SR to use in the sr-uuid parameter, or set the pool's default SR.",
    );
  const result = await moved(around, {
    direction: 'put',
    file,
    path: '/import_raw_vdi',
    query: { sr_id: sr },
    label: 'host patch upload',
  });
  const vdi = String(decodeTaskResult({ kind: 'ref', cls: 'VDI' }, result));
  const update = await perform(around, 'pool_update.introduce', vdi).catch(async (error: unknown) => {
    await objects.api.call('VDI.destroy', vdi);
    throw error;
  });
  const name = await objects.api.call<string>('pool_update.get_name_label', update);
  await objects.api.call('VDI.set_name_label', vdi, `Update: ${name}`);
  terminal.print(await objects.uuidOf('pool_update', String(update)));
};

const dump: Command = async (args, around) =>
  void (await moved(around, {
    direction: 'get',
    file: required(args, 'file-name'),
    path: '/pool/xmldbdump',
    label: 'dump database',
  }));
const restore: Command = async (args, around) => {
  const dryRun = optional(args, 'dry-run') !== undefined;
  if (optional(args, 'force') === undefined && !dryRun)
    throw new Misuse(
      'This operation will restore the database backup to this host, making it the master. All slave hosts are assumed dead and they will be forgotten. This operation must be forced (use --force).',
    );
  const query = { dry_run: String(dryRun) };
  await moved(around, {
    direction: 'put',
    file: required(args, 'file-name'),
    path: '/pool/xmldbdump',
    query,
    label: 'restore database',
  });
  around.printer.list([
    dryRun
      ? 'Dry-run backup restore successful'
      : 'Host will reboot with restored database in 30.000 seconds...',
  ]);
};
const blob =
  (direction: 'get' | 'put'): Command =>
  async (args, around) => {
    const ref = await around.objects.byUuid('blob', required(args, 'uuid'));
    const label = direction === 'get' ? `Obtaining blob, ref=${ref}` : `Blob PUT, ref=${ref}`;
    const plan: Transfer = {
      direction,
      file: required(args, 'filename'),
      path: '/blob',
      query: { ref },
      label,
    };
    await told(around, plan, `Blob ${direction}`);
  };
const wlbReport: Command = async (args, around) => {
  const report = required(args, 'report');
  const query = { report, ...Object.fromEntries(words(args, ['report', 'filename'])) };
  const plan: Transfer = {
    direction: 'get',
    file: optional(args, 'filename') ?? '',
    path: '/wlb_report',
    query,
    label: `WLB report: ${report}`,
  };
  await told(around, plan, 'Report generation');
};
const wlbDiagnostics: Command = (args, around) => {
  const label = 'WLB diagnostics download';
  return told(
    around,
    { direction: 'get', file: optional(args, 'filename') ?? '', path: '/wlb_diagnostics', label },
    label,
  );
};
/** So much of what is said stands in the name of a task. */
const longestWord = 255;
const auditLog: Command = (args, around) => {
  const file = required(args, 'filename'),
    since = (optional(args, 'since') ?? '').slice(0, longestWord);
  const label = `audit-log-get${since === '' ? ' ' : ` (since "${since}") `}into file ${file.slice(0, longestWord)}`;
  return told(
    around,
    { direction: 'get', file, path: '/audit_log', query: since === '' ? {} : { since }, label },
    label,
  );
};

/** The terminal of a VM: its text console. */
const console: Command = async (args, around) => {
  const { objects, terminal } = around;
  const found = await select('vm', { ...args, pairs: [...args.pairs, ['multiple', 'true']] }, around).catch(
    () => [],
  );
  const [vm, second] = found;
  if (!vm) throw new Ended('No VM found\n', 1);
  if (second) throw new Ended('Multiple VMs found: please narrow your request to one VM.\n', 1);
  const consoles = await objects.api.call<string[]>('VM.get_consoles', vm.ref);
  const records = await Promise.all(consoles.map((ref) => objects.one('console', ref)));
  const text = records.find((r) => r?.['protocol'] === 'vt100');
  if (!text) throw new Ended('No text console available\n', 1);
  terminal.print(`Connecting to console on VM ${String(vm.record['name_label'])}. Press Ctrl + ']' to quit.`);
  const location = new URL(String(text['location']));
  if (
    !(await terminal.httpConnect(`${location.pathname}${location.search}&session_id=${objects.api.session}`))
  )
    throw new Misuse('Failure');
};

export const fileCommands: Readonly<Record<string, Command>> = {
  'vm-export': vmExport,
  'vm-import': vmImport,
  'snapshot-export-to-template': exportOf('snapshot'),
  'template-export': exportOf('template'),
  'vdi-export': vdiMove('get'),
  'vdi-import': vdiMove('put'),
  'host-backup': onHost('get', '/host_backup', 'host backup download'),
  'host-restore': onHost('put', '/host_restore', 'host backup upload'),
  'host-logs-download': logs,
  'host-get-system-status': systemStatus,
  'pool-dump-database': dump,
  'pool-restore-database': restore,
  'pool-certificate-install': certificate('pool.install_ca_certificate', 'certificate'),
  'pool-install-ca-certificate': certificate('pool.install_ca_certificate', 'certificate'),
  'pool-crl-install': certificate('pool.crl_install', 'CRL'),
  'pool-install-trusted-certificate': trusted,
  'pool-sync-bundle': async (args, around) =>
    void (await moved(around, {
      direction: 'put',
      file: required(args, 'filename'),
      path: '/bundle',
      label: 'upload bundle',
    })),
  'pool-retrieve-wlb-report': wlbReport,
  'pool-retrieve-wlb-diagnostics': wlbDiagnostics,
  'patch-upload': patchUpload,
  'update-upload': updateUpload,
  'audit-log-get': auditLog,
  'blob-get': blob('get'),
  'blob-put': blob('put'),
  'repository-introduce-remote-pool': remotePool,
  console,
};

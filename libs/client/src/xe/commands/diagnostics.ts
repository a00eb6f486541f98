/** `diagnostic-*`: how VMs, disks, hosts and their management agents are. */
import { XenError } from '@xenplane/model';
import { required } from '../arguments';
import { asException, named } from '../failure';
import { chosen } from '../generic';
import { tableNamed, type Shown } from '../objects';
import { cellsOf } from '../printer';
import { oneHost, type Command } from '../row';
import { selectHosts } from '../select';
import type { Surroundings } from '../surroundings';

/** The reason that keeps a VM from a host, in one line. */
async function reason(error: unknown, { objects }: Surroundings): Promise<string> {
  if (!(error instanceof XenError)) return asException(error);
  const [first = '', second = ''] = error.params;
  const object = await named(second, objects);
  const texts: Readonly<Record<string, string>> = {
    VM_REQUIRES_SR: `VM requires access to SR: ${object}`,
    HOST_DISABLED: "Host disabled (use 'xe host-enable' to re-enable)",
    HOST_DISABLED_INDEFINITELY: "Host disabled indefinitely (use 'xe host-enable' to re-enable)",
    HOST_NOT_LIVE: 'Host down',
    HOST_NOT_ENOUGH_FREE_MEMORY: 'Not enough free memory',
    HOST_NOT_ENOUGH_PCPUS: `Not enough CPUs (VM needs ${first}, but host has ${second})`,
    VM_REQUIRES_NETWORK: `VM requires access to network: ${object}`,
    HOST_CANNOT_ATTACH_NETWORK: `Host cannot attach to network: ${object}`,
    VM_HVM_REQUIRED: 'HVM not supported',
    INVALID_VALUE: `Field has invalid value: ${first} = ${second}`,
    HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED: `VM requires access to non-shared SR: ${await named(first, objects)}. SR must both be marked as shared and a properly configured PBD must be plugged-in on every host`,
    HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED: `VM requires access to non-shared Network: ${await named(first, objects)}. Network must either be entirely virtual or there must be a PIF connecting to this Network on every host.`,
  };
  return texts[error.code] ?? asException(error);
}
/** A line for each host: whether the VM could start there, and if not, why. */
export async function reportHosts(around: Surroundings, vm: string): Promise<void> {
  const { objects, printer } = around;
  const hosts = Object.entries(await objects.all('host')).map(async ([host, record]) => ({
    name: String(record['name_label']),
    value: await objects.api.call('VM.assert_can_boot_here', vm, host).then(
      () => 'OK',
      async (error: unknown) => `Cannot start here [${await reason(error, around)}]`,
    ),
  }));
  printer.table([await Promise.all(hosts)]);
}

async function drives({ objects }: Surroundings, owner: Shown): Promise<Shown[]> {
  const refs = (owner.record['VBDs'] ?? []) as readonly string[];
  return Promise.all(refs.map(async (ref) => ({ ref, record: (await objects.one('VBD', ref)) ?? {} })));
}
async function oneOf({ objects }: Surroundings, cls: string, uuid: string): Promise<Shown> {
  const ref = await objects.byUuid(cls, uuid);
  return { ref, record: (await objects.one(cls, ref)) ?? {} };
}
const vmStatus: Command = async (args, around) => {
  const { objects, printer } = around;
  const vm = await oneOf(around, 'VM', required(args, 'uuid'));
  printer.table([
    await chosen(around, tableNamed('vm'), vm, undefined, [
      'uuid',
      'name-label',
      'power-state',
      'possible-hosts',
    ]),
  ]);
  printer.list(['Checking to see whether disks are attachable']);
  const fields = [
    'uuid',
    'userdevice',
    'device',
    'vdi-uuid',
    'empty',
    'mode',
    'type',
    'storage-lock',
    'attachable',
  ];
  for (const drive of await drives(around, vm))
    printer.table([await chosen(around, tableNamed('vbd'), drive, undefined, fields)]);
  printer.list(['Checking to see whether VM can boot on each host']);
  await reportHosts(around, vm.ref);
  const agile = objects.api.call('VM.assert_agile', vm.ref).then(
    () => 'VM is agile.',
    async (error: unknown) => `VM is not agile because: ${await reason(error, around)}`,
  );
  printer.list([await agile]);
};
const vdiStatus: Command = async (args, around) => {
  const { printer } = around;
  const vdi = await oneOf(around, 'VDI', required(args, 'uuid'));
  const fields = ['uuid', 'name-label', 'sr-uuid', 'mode', 'read-only', 'sharable', 'storage-lock'];
  printer.table([await chosen(around, tableNamed('vdi'), vdi, undefined, fields)]);
  const all = await drives(around, vdi),
    active = all.filter(({ record }) => record['currently_attached'] === true),
    inactive = all.filter((drive) => !active.includes(drive));
  const show = async (some: readonly Shown[]): Promise<void> => {
    for (const drive of some)
      printer.table([
        await chosen(around, tableNamed('vbd'), drive, undefined, [
          'uuid',
          'userdevice',
          'device',
          'empty',
          'mode',
          'type',
          'storage-lock',
        ]),
      ]);
  };
  printer.list([active.length === 0 ? 'no active VBDs.' : 'active VBDs:']);
  await show(active);
  if (inactive.length > 0) printer.list(['inactive VBDs:']);
  await show(inactive);
};

const dayMs = 24 * 60 * 60 * 1000;
const timeOf = (text: string): number => Date.parse(text.replace(/^(\d{4})(\d{2})(\d{2})T/, '$1-$2-$3T'));
const columns = (rows: readonly (readonly string[])[]): number[] =>
  (rows[0] ?? []).map((_, i) => Math.max(0, ...rows.map((cells) => cells[i]?.length ?? 0)));
/** The licence that expires first comes first, the pool last; it has no licence of its own. */
const licences: Command = async (_args, { objects, printer }) => {
  const hosts = Object.values(await objects.all('host')).map((host) => {
    const expiry =
      (host['license_params'] as Readonly<Record<string, string>> | undefined)?.['expiry'] ??
      '19700101T00:00:00Z';
    return { host, expiry, at: timeOf(expiry) };
  });
  const divider = Array.from({ length: 6 }, () => '-');
  const rows = [
    ['Hostname', 'UUID', 'Features', 'Edition', 'Expiry', 'Days left'],
    divider,
    ...hosts
      .sort((a, b) => a.at - b.at)
      .map(({ host, expiry, at }) => [
        String(host['hostname']),
        String(host['uuid']).slice(0, 8),
        '-',
        String(host['edition']),
        expiry,
        ((at - Date.now()) / dayMs).toFixed(1),
      ]),
    divider,
    divider,
  ];
  const widths = columns(rows);
  for (const cells of rows) printer.message(cells.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' '));
};
const timing: Command = async (_args, { objects, printer }) => {
  const hosts = Object.entries(await objects.all('host')).map(async ([host, record]) => {
    const stats = await objects.api.call<Record<string, string>>('host.get_diagnostic_timing_stats', host);
    const all = {
      'host-uuid': String(record['uuid']),
      'host-name-label': String(record['name_label']),
      ...stats,
    };
    return cellsOf(Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))));
  });
  printer.table(await Promise.all(hosts));
};
const passedOn = ['method', 'uri', 'params', 'requests', 'connections', 'framed'];
const networkStats: Command = async (args, around) => {
  const [host = ''] = await selectHosts(args, around, passedOn, true);
  const params = Object.fromEntries(args.pairs.filter(([name]) => passedOn.includes(name)));
  const rows = await around.objects.api.call<string[][]>('Diagnostics.network_stats', host, params);
  const widths = columns(rows);
  for (const cells of rows)
    around.printer.message(cells.map((text, i) => text.padStart(widths[i] ?? 0)).join(' | '));
};
const databaseStats: Command = async (_args, { objects, printer }) => {
  const stats = Object.entries(await objects.api.call<Record<string, string>>('Diagnostics.db_stats'));
  printer.message(`DB lock stats: ${stats.map(([name, value]) => `${name}=${value}`).join(' ')}`);
};

export const diagnosticCommands: Readonly<Record<string, Command>> = {
  'diagnostic-vm-status': vmStatus,
  'diagnostic-vdi-status': vdiStatus,
  'diagnostic-license-status': licences,
  'diagnostic-compact': oneHost('Diagnostics.gc_compact'),
  'diagnostic-gc-stats': oneHost('Diagnostics.gc_stats'),
  'diagnostic-timing-stats': timing,
  'diagnostic-db-stats': databaseStats,
  'diagnostic-net-stats': networkStats,
};

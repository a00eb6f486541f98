/** `xe vm-migrate`: within the pool, or to another one, whose storage and networks it finds. */
import { nullRefText } from '@xenplane/model';
import { logOut, type Api } from '../../api';
import { flagged, keyed, Misuse, optional, type Arguments } from '../arguments';
import { onEach, perform, type Command } from '../row';
import { selectVms } from '../select';
import type { Surroundings } from '../surroundings';
import { drivesOf } from './drives';
import { hostNamed, onVms } from './vm';

/** The options of a migration within the pool. */
function optionsOf(args: Arguments): Record<string, string> {
  const compress = optional(args, 'compress');
  const truths = ['force', 'live', 'copy'].flatMap((name) =>
    optional(args, name) === undefined ? [] : [[name, String(flagged(args, name))]],
  );
  return {
    ...(compress === undefined ? {} : { compress }),
    ...(Object.fromEntries(truths) as Record<string, string>),
  };
}
const abroadWords = [
  'remote-master',
  'remote-username',
  'vif',
  'remote-password',
  'remote-network',
  'vdi',
  'vgpu',
];
export const migrate: Command = async (args, around) => {
  if (args.pairs.some(([name]) => abroadWords.some((word) => name.startsWith(word))))
    return migrateAway(args, around);
  const name = optional(args, 'host') ?? optional(args, 'host-uuid') ?? optional(args, 'host-name');
  if (name === undefined) throw new Misuse('No destination host specified');
  const host = await hostNamed(name, around);
  await onVms((vm) => perform(around, 'VM.pool_migrate', vm, host, optionsOf(args)))(args, around);
};
/** To another pool, by a session there. */
async function migrateAway(args: Arguments, around: Surroundings): Promise<void> {
  around.printer.message("Performing a storage live migration. Your VM's VDIs will be migrated with the VM.");
  const [master, user, password] = [
    optional(args, 'remote-master'),
    optional(args, 'remote-username'),
    optional(args, 'remote-password'),
  ];
  if (master === undefined || user === undefined || password === undefined)
    throw new Misuse(
      "Storage live migration requires remote-master, remote-username, and remote-password to be specified. Please see 'xe help vm-migrate' for help.",
    );
  const remote = await around.abroad({ url: master, user, password });
  await sendTo(remote, args, around).finally(() => logOut(remote));
}
async function sendTo(remote: Api, args: Arguments, around: Surroundings): Promise<void> {
  const { objects, printer } = around;
  const { host, via } = await destinationOf(args, remote);
  const mapped = async (
    name: string,
    here: string,
    asThere: (word: string) => Promise<string>,
  ): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(
        keyed(args, name).map(async ([from, into]): Promise<[string, string]> => [
          await objects.byUuid(here, from),
          await asThere(into),
        ]),
      ),
    );
  const pairs = (name: string, here: string, far: string): Promise<Record<string, string>> =>
    mapped(name, here, (uuid) => remote.call<string>(`${far}.get_by_uuid`, uuid));
  const disks = await pairs('vdi', 'VDI', 'SR'),
    cards = await pairs('vif', 'VIF', 'network'),
    graphics = await pairs('vgpu', 'VGPU', 'GPU_group'),
    formats = await mapped('image-format', 'VDI', (format) => Promise.resolve(format));
  await onEach(around, 'VM', await selectVms(args, around, ['vgpu'], false), async (vm) => {
    const all = { ...(await unmapped(around, vm, () => storageOf(remote, host))), ...disks };
    await tellMapping(around, remote, { host, via, disks: all });
    const destination = await remote.call('host.migrate_receive', host, via, optionsOf(args));
    const networks = { ...(await cardsTo(around, vm, via)), ...cards };
    const sent = await perform(
      around,
      'VM.migrate_send',
      vm,
      destination,
      true,
      all,
      networks,
      optionsOf(args),
      graphics,
      formats,
    );
    if (flagged(args, 'copy')) printer.list([await remote.call<string>('VM.get_uuid', sent)]);
  });
}
async function destinationOf(
  args: Arguments,
  remote: Api,
): Promise<{ readonly host: string; readonly via: string }> {
  const wanted = optional(args, 'host') ?? optional(args, 'host-uuid') ?? optional(args, 'host-name'),
    network = optional(args, 'remote-network');
  const host = await firstThere(remote, 'host', ['hostname', 'name_label', 'uuid'], wanted);
  if (host === undefined)
    throw new Misuse(
      wanted === undefined ? 'Failed to find a suitable host' : `Failed to find host: ${wanted}`,
    );
  if (network === undefined) return { host, via: await managementOf(remote, host) };
  const via = await firstThere(remote, 'network', ['bridge', 'name_label', 'uuid'], network);
  if (via === undefined) throw new Misuse(`Failed to find network: ${network}`);
  return { host, via };
}
async function firstThere(
  remote: Api,
  cls: string,
  fields: readonly string[],
  wanted: string | undefined,
): Promise<string | undefined> {
  const all = Object.entries(
    await remote.call<Record<string, Record<string, unknown>>>(`${cls}.get_all_records`),
  );
  return all.find(
    ([, record]) => wanted === undefined || fields.some((field) => record[field] === wanted),
  )?.[0];
}
interface Mapping {
  readonly host: string;
  readonly via: string;
  readonly disks: Readonly<Record<string, string>>;
}
async function tellMapping(
  { objects, printer }: Surroundings,
  remote: Api,
  { host, via, disks }: Mapping,
): Promise<void> {
  const [hostName, networkName] = [
    await remote.call<string>('host.get_name_label', host),
    await remote.call<string>('network.get_name_label', via),
  ];
  printer.message(
    `Will migrate to remote host: ${hostName}, using remote network: ${networkName}. Here is the VDI mapping:`,
  );
  for (const [vdi, sr] of Object.entries(disks))
    printer.message(
      `VDI ${await objects.uuidOf('VDI', vdi)} -> SR ${await remote.call<string>('SR.get_uuid', sr)}`,
    );
}

async function managementOf(remote: Api, host: string): Promise<string> {
  const pif = await remote.call<string>('host.get_management_interface', host);
  return remote.call<string>('PIF.get_network', pif);
}
/** Of the storages that the host has, a shared one before others, then the one with the most room. */
async function storageOf(remote: Api, host: string): Promise<string> {
  const pbds = await Promise.all(
    (await remote.call<string[]>('host.get_PBDs', host)).map((pbd) =>
      remote.call<{ SR: string; currently_attached: boolean }>('PBD.get_record', pbd),
    ),
  );
  const refs = pbds.filter((pbd) => pbd.currently_attached).map((pbd) => pbd.SR);
  const srs = await Promise.all(
    refs.map(async (ref) => ({ ref, ...(await remote.call<Storage>('SR.get_record', ref)) })),
  );
  const room = (sr: Storage): number => sr.physical_size - sr.physical_utilisation;
  const better = (a: Storage, b: Storage): number => Number(b.shared) - Number(a.shared) || room(b) - room(a);
  return srs.filter((sr) => sr.content_type !== 'iso').sort(better)[0]?.ref ?? nullRefText;
}
interface Storage {
  readonly content_type: string;
  readonly shared: boolean;
  readonly physical_size: number;
  readonly physical_utilisation: number;
}
async function unmapped(
  around: Surroundings,
  vm: string,
  sr: () => Promise<string>,
): Promise<Record<string, string>> {
  const drives = (await drivesOf(around, vm, 'Disk')).filter(({ record }) => record['empty'] !== true);
  const target = drives.length > 0 ? await sr() : '';
  return Object.fromEntries(drives.map(({ record }) => [String(record['VDI']), target]));
}
async function cardsTo(
  { objects }: Surroundings,
  vm: string,
  network: string,
): Promise<Record<string, string>> {
  return Object.fromEntries(
    (await objects.api.call<string[]>('VM.get_VIFs', vm)).map((vif) => [vif, network]),
  );
}

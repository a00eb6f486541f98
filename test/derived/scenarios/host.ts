import { served } from '../outside';
import type { Kit, Scenarios } from '../kit';
import { eventually } from '../../world';

/** A VM that runs, and a host on which it does not. */
async function movable(kit: Kit): Promise<[string, string]> {
  for (const host of await hosts(kit))
    if (!(await kit.call<boolean>('host.get_enabled', host))) await kit.call('host.enable', host);
  const vm = await kit.runningVm();
  const here = await kit.call<string>('VM.get_resident_on', vm);
  return [vm, (await hosts(kit)).find((h) => h !== here) ?? ''];
}
const hosts = (kit: Kit): Promise<string[]> => kit.call<string[]>('host.get_all');
const isLive = async (kit: Kit, host: string): Promise<boolean> => {
  const metrics = await kit.call<string>('host.get_metrics', host);
  return kit.call<boolean>('host_metrics.get_live', metrics);
};

/** The second host, up, without guests and closed to new ones. */
async function idleHost(kit: Kit): Promise<string> {
  const host = (await hosts(kit))[1] ?? '';
  if (!(await isLive(kit, host)) && !(await rebooting(kit, host))) await kit.run('host.power_on', host);
  await eventually(async () => expect(await isLive(kit, host)).toBe(true));
  await kit.call('host.disable', host);
  await kit.run('host.evacuate', host);
  return host;
}
/** One that was rebooted comes back by itself. */
async function rebooting(kit: Kit, host: string): Promise<boolean> {
  await kit.call('host.set_power_on_mode', host, 'wake-on-lan', {});
  return eventually(async () => {
    if (!(await isLive(kit, host))) throw new Error('down');
    return true;
  }, 1_000).catch(() => false);
}
async function sleepingHost(kit: Kit): Promise<string> {
  const host = (await hosts(kit))[1] ?? '';
  await kit.call('host.set_power_on_mode', host, 'wake-on-lan', {});
  if (await isLive(kit, host)) await kit.run('host.shutdown', await idleHost(kit));
  return host;
}

async function localStorage(kit: Kit, host: string): Promise<string> {
  const srs = await kit.call<Record<string, { type: string }>>('SR.get_all_records');
  const pbds = Object.values(
    await kit.call<Record<string, { host: string; SR: string }>>('PBD.get_all_records'),
  );
  return pbds.find((p) => p.host === host && srs[p.SR]?.type === 'ext')?.SR ?? '';
}

/** Something that takes what is sent to it. */
const receiver = async (): Promise<string> =>
  `${await served((request, response) => void request.resume().on('end', () => response.end()))}/report`;

export const hostScenarios: Scenarios = {
  'VM.pool_migrate': async (kit) => [...(await movable(kit)), { live: 'true' }],
  'host.evacuate': async (kit) => [
    await kit.call('VM.get_resident_on', await kit.runningVm()),
    'OpaqueRef:NULL',
    0,
  ],
  'host.shutdown': async (kit) => [await idleHost(kit)],
  'host.power_on': async (kit) => [await sleepingHost(kit)],
  'host.reboot': async (kit) => [await idleHost(kit)],
  'host.restart_agent': async (kit) => [await idleHost(kit)],
  'host.bugreport_upload': async (kit) => [await kit.hostOf(), await receiver(), {}],
  'host.dmesg': async (kit) => [await kit.hostOf()],
  'host.send_debug_keys': async (kit) => [await kit.hostOf(), 'q'],
  'VM.migrate_send': async (kit) => {
    const [vm, to] = await movable(kit);
    const [network] = await kit.call<string[]>(
      'network.get_by_name_label',
      'Pool-wide network associated with eth0',
    );
    const dest = await kit.call('host.migrate_receive', to, network, {});
    const [vbd] = await kit.call<string[]>('VM.get_VBDs', vm);
    return [
      vm,
      dest,
      true,
      { [await kit.call<string>('VBD.get_VDI', vbd)]: await localStorage(kit, to) },
      {},
      {},
      {},
    ];
  },
};

/** The agent dies and its hypervisor lives: what may run runs on, and only as long as the lease. */
import { agentSettings } from '@xenplane/config';
import { SimulatedXen } from '@xenplane/hypervisor';
import { complaints } from '@xenplane/testing';
import path from 'node:path';
import { startAgent, type RunningAgent } from '../../apps/agent/src/agent';
import { eventually, joinKey, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let again: RunningAgent | undefined;
beforeEach(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
});
afterEach(async () => {
  await again?.stop();
  again = undefined;
  await world?.stop();
});

async function runningVm(): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'survivor');
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('clean_shutdown'));
  return vm;
}
const comeBack = (): Promise<RunningAgent> =>
  startAgent(
    agentSettings({
      XENPLANE_HOSTS: '1',
      XENPLANE_SEED: '7',
      XENPLANE_SPEED: '0',
      XENPLANE_API_URL: world.url,
      XENPLANE_IMAGES_URL: world.imagesUrl,
      XENPLANE_JOIN_KEY: joinKey,
      XENPLANE_DATA: path.join(world.folder, 'agent'),
      XENPLANE_LOG_LEVEL: 'error',
    }),
    world.agent.hypervisor,
  );
const epoch = async (): Promise<number> =>
  (await world.apis[0]?.plane.store.query<{ host_epoch: number }>('SELECT host_epoch FROM host_run'))?.[0]?.host_epoch ?? 0;

test('a new agent adopts the domains that the old one left, under a new epoch, and knows how often they were built', async () => {
  const vm = await runningVm();
  await call('VM.hard_reboot', vm);
  const before = { domid: await call('VM.get_domid', vm), epoch: await epoch() };
  await world.agent.abandon();
  again = await comeBack();
  await eventually(async () => expect(await epoch()).toBeGreaterThan(before.epoch));
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('changing_VCPUs_live'));
  await call('VM.set_VCPUs_number_live', vm, 1);
  const [domain] = await world.agent.hypervisor.list((await call<string>('host.get_uuid', (await call<string[]>('host.get_all'))[0])) ?? '');
  expect(domain?.domid).toBe(before.domid);
  await call('VM.hard_shutdown', vm);
});

test('without an agent the hypervisor ends its domains before the control plane may give them away', async () => {
  const vm = await runningVm();
  const hypervisor = world.agent.hypervisor as SimulatedXen;
  let diedAt = 0;
  hypervisor.onEvent((event) => {
    if (event.kind === 'ended' && event.reason === 'watchdog') diedAt = Date.now();
  });
  await world.agent.abandon();
  await eventually(async () => expect(await call('VM.get_power_state', vm)).toBe('Halted'));
  const haltedAt = Date.now();
  expect(diedAt).toBeGreaterThan(0);
  expect(diedAt).toBeLessThanOrEqual(haltedAt);
  const [host] = Object.values(await call<Record<string, { live: boolean }>>('host_metrics.get_all_records'));
  expect(host?.live).toBe(false);
  const [api] = world.apis;
  expect(api && (await complaints(api.plane.store))).toEqual([]);
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(/NO_HOSTS_AVAILABLE/);
  again = await comeBack();
  await eventually(async () => expect(await call('VM.start', vm, false, false)).toBe(''));
});

test('a guest that crashes is halted or built anew, as its VM says', async () => {
  const vm = await runningVm();
  const uuid = await call<string>('VM.get_uuid', vm),
    [host = ''] = Object.values(await call<Record<string, { uuid: string }>>('host.get_all_records')).map((h) => h.uuid);
  const before = await call<number>('VM.get_domid', vm);
  await world.agent.hypervisor.crash(host, uuid);
  await eventually(async () => expect(await call<number>('VM.get_domid', vm)).toBeGreaterThan(before));
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  await call('VM.hard_shutdown', vm);
  await call('VM.set_actions_after_crash', vm, 'destroy');
  await call('VM.start', vm, false, false);
  await world.agent.hypervisor.crash(host, uuid);
  await eventually(async () => expect(await call('VM.get_power_state', vm)).toBe('Halted'));
});

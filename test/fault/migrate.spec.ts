/** One side of a migration is lost: the guest is on one host or on none, never on both, and nothing stays reserved. */
import { agentSettings } from '@xenplane/config';
import { simulated } from '@xenplane/hypervisor';
import { complaints } from '@xenplane/testing';
import path from 'node:path';
import { startAgent, type RunningAgent } from '../../apps/agent/src/agent';
import { eventually, joinKey, login, startWorld, type Call, type World } from '../world';

const GiB = 2 ** 30;
let world: World;
let call: Call;
/** A second machine, with one host of its own. */
let second: RunningAgent;
let here: string;
let there: string;

beforeEach(async () => {
  world = await startWorld({ hosts: 1, speed: 50 });
  call = await login(world.url);
  [here = ''] = await call<string[]>('host.get_all');
  second = await startAgent(
    agentSettings({
      XENPLANE_HOSTS: '1',
      XENPLANE_SEED: '8',
      XENPLANE_SPEED: '50',
      XENPLANE_API_URL: world.url,
      XENPLANE_IMAGES_URL: world.imagesUrl,
      XENPLANE_JOIN_KEY: joinKey,
      XENPLANE_DATA: path.join(world.folder, 'second'),
      XENPLANE_LOG_LEVEL: 'fatal',
    }),
    new simulated.SimulatedXen({ seed: 8, speed: 50, hosts: 1 }),
  );
  there = await eventually(async () => {
    const host = (await call<string[]>('host.get_all')).find((h) => h !== here) ?? '';
    expect(await call('host_metrics.get_live', await call('host.get_metrics', host))).toBe(true);
    return host;
  });
});
afterEach(async () => {
  await second?.stop();
  await world?.stop();
});

async function runningOn(host: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'large');
  await call('VM.provision', vm);
  await call('VM.set_memory_limits', vm, 200 * GiB, 200 * GiB, 200 * GiB, 200 * GiB);
  await call('VM.start_on', vm, host, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('pool_migrate'));
  return vm;
}
/** The whole machine stops: agent, hypervisor and all. */
async function lose(agent: RunningAgent): Promise<void> {
  await agent.hypervisor.close();
  await agent.abandon();
}
async function midway(vm: string, to: string): Promise<string> {
  const task = await call<string>('Async.VM.pool_migrate', vm, to, {});
  await eventually(async () => expect(await call<number>('task.get_progress', task)).toBeGreaterThan(0.15));
  return task;
}
const ended = (task: string): Promise<{ status: string; error_info: string[] }> =>
  eventually(async () => {
    const record = await call<{ status: string; error_info: string[] }>('task.get_record', task);
    if (record.status === 'pending') throw new Error('pending');
    return record;
  });
const sound = (): Promise<void> =>
  eventually(async () => {
    const [api] = world.apis;
    expect(api && (await complaints(api.plane.store))).toEqual([]);
  });

test('the destination is lost while memory is copied: the guest runs on at the source, and can go on living there', async () => {
  const vm = await runningOn(here);
  const task = await midway(vm, there);
  await lose(second);
  const { status, error_info } = await ended(task);
  expect([status, ...error_info.slice(0, 4)]).toEqual(['failure', 'VM_MIGRATE_FAILED', vm, here, there]);
  expect([await call('VM.get_power_state', vm), await call('VM.get_resident_on', vm)]).toEqual([
    'Running',
    here,
  ]);
  const [domain] = await world.agent.hypervisor.list(await call('host.get_uuid', here));
  expect(domain?.state).toBe('running');
  await call('VM.clean_reboot', vm);
  await sound();
});

test('the source is lost while memory is copied: the guest is halted, the destination holds nothing of it', async () => {
  const vm = await runningOn(there);
  const task = await midway(vm, here);
  await lose(second);
  const { status, error_info } = await ended(task);
  expect([status, ...error_info.slice(0, 4)]).toEqual(['failure', 'VM_MIGRATE_FAILED', vm, there, here]);
  await eventually(async () => expect(await call('VM.get_power_state', vm)).toBe('Halted'));
  expect(await world.agent.hypervisor.list(await call('host.get_uuid', here))).toEqual([]);
  await sound();
  await call('VM.start_on', vm, here, false, false);
  expect(await call('VM.get_resident_on', vm)).toBe(here);
});

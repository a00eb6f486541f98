/** The agent dies and its hypervisor lives: what may run runs on, and only as long as the lease. */
import { agentSettings } from '@xenplane/config';
import { createHmac } from 'node:crypto';
import { agentCredential, simulated, type Hypervisor, type JoinAnswer } from '@xenplane/hypervisor';
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
  await eventually(async () =>
    expect(await call('VM.get_allowed_operations', vm)).toContain('clean_shutdown'),
  );
  return vm;
}
const agentOf = (
  hypervisor: Hypervisor,
  { hosts = 1, seed = 7, folder = 'agent' } = {},
): Promise<RunningAgent> =>
  startAgent(
    agentSettings({
      XENPLANE_HOSTS: String(hosts),
      XENPLANE_SEED: String(seed),
      XENPLANE_SPEED: '0',
      XENPLANE_API_URL: world.url,
      XENPLANE_IMAGES_URL: world.imagesUrl,
      XENPLANE_JOIN_KEY: joinKey,
      XENPLANE_DATA: path.join(world.folder, folder),
      XENPLANE_LOG_LEVEL: 'error',
    }),
    hypervisor,
  );
const comeBack = (): Promise<RunningAgent> => agentOf(world.agent.hypervisor);
const epoch = async (): Promise<number> =>
  (await world.apis[0]?.plane.store.query<{ host_epoch: number }>('SELECT host_epoch FROM host_run'))?.[0]
    ?.host_epoch ?? 0;

test('a new agent adopts the domains that the old one left, under a new epoch, and knows how often they were built', async () => {
  const vm = await runningVm();
  await call('VM.hard_reboot', vm);
  const before = { domid: await call('VM.get_domid', vm), epoch: await epoch() };
  await world.agent.abandon();
  again = await comeBack();
  await eventually(async () => expect(await epoch()).toBeGreaterThan(before.epoch));
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  await eventually(async () =>
    expect(await call('VM.get_allowed_operations', vm)).toContain('changing_VCPUs_live'),
  );
  await call('VM.set_VCPUs_number_live', vm, 1);
  const [domain] = await world.agent.hypervisor.list(
    (await call<string>('host.get_uuid', (await call<string[]>('host.get_all'))[0])) ?? '',
  );
  expect(domain?.domid).toBe(before.domid);
  await call('VM.hard_shutdown', vm);
});

test('without an agent the hypervisor ends its domains before the control plane may give them away', async () => {
  const vm = await runningVm();
  const hypervisor = world.agent.hypervisor as simulated.SimulatedXen;
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
    [host = ''] = Object.values(await call<Record<string, { uuid: string }>>('host.get_all_records')).map(
      (h) => h.uuid,
    );
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

describe('many hosts at once', () => {
  const alive = async (): Promise<number> =>
    Object.values(await call<object>('host_metrics.get_all_records')).filter(
      (m) => 'live' in m && m.live === true,
    ).length;

  test('a fleet of several lots comes in whole', async () => {
    again = await agentOf(new simulated.SimulatedXen({ seed: 31, speed: 0, hosts: 120 }), {
      hosts: 120,
      seed: 31,
      folder: 'fleet',
    });
    await eventually(async () => expect(await alive()).toBe(121));
    const hosts = Object.values(
      await call<
        Record<string, { control_domain: string; PIFs: string[]; PBDs: string[]; host_CPUs: string[] }>
      >('host.get_all_records'),
    );
    const sizes = new Set(hosts.map(({ PIFs, PBDs }) => `${PIFs.length} ${PBDs.length}`));
    expect([new Set(hosts.map((host) => host.control_domain)).size, sizes.size]).toEqual([121, 1]);
    const cpus = hosts.reduce((all, host) => all + host.host_CPUs.length, 0);
    const [pool] = Object.values(await call<Record<string, { cpu_info: object }>>('pool.get_all_records'));
    expect(pool?.cpu_info).toMatchObject({ cpu_count: String(cpus) });
    const [api] = world.apis;
    expect(api && (await complaints(api.plane.store))).toEqual([]);
  });

  test('whose secret is wrong, or used up, keeps nobody else out', async () => {
    const uuids = [1, 2, 3].map((i) => simulated.hostUuid(31, i));
    const secretOf = (uuid: string): string => createHmac('sha256', joinKey).update(uuid).digest('hex');
    const ask = async (joins: readonly (readonly [string, string])[]): Promise<JoinAnswer> => {
      const body = JSON.stringify({
        joins: joins.map(([host, secret]) => ({ host, secret, inventory: simulated.inventoryOf(31, 1) })),
      });
      const answer = await fetch(`${world.url}/agent/v1/joins`, {
        method: 'POST',
        headers: { authorization: agentCredential(joinKey) },
        body,
      });
      return (await answer.json()) as JoinAnswer;
    };
    const [registered = ''] = Object.values(
      await call<Record<string, { uuid: string }>>('host.get_all_records'),
    ).map(({ uuid }) => uuid);
    const [first = '', second = '', third = ''] = uuids;
    const answer = await ask([
      [first, secretOf(first)],
      [second, secretOf(first)],
      [registered, secretOf(registered)],
      [third, secretOf(third)],
    ]);
    const results = new Map(
      answer.hosts.map(({ host, token, refused }) => [host, refused ?? token.length > 20]),
    );
    expect(Object.fromEntries(results)).toEqual({
      [first]: true,
      [second]: 'wrong secret',
      [registered]: 'the secret was used',
      [third]: true,
    });
    expect((await call<string[]>('host.get_all')).length).toBe(3);
    // Until it has registered, a host whose answer was lost may ask again: it is there already.
    expect((await ask([[first, secretOf(first)]])).hosts).toEqual([
      { host: first, token: expect.stringMatching(/.{20}/) },
    ]);
    expect((await call<string[]>('host.get_all')).length).toBe(3);
  });
});

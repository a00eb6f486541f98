/** Leases are as long as the API's setting says; whoever fences waits for the longest that a host may still believe in. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { registerHosts, type Plane } from '@xenplane/xapi';
import { eventually, login, startWorld, untilGuestSpeaks, type Call, type World } from '../world';

let world: World;
let call: Call;
let plane: Plane;
const leaseMs = 1_500;
beforeEach(async () => {
  world = await startWorld({ hosts: 1, api: { XENPLANE_LEASE_MS: String(leaseMs) } });
  call = await login(world.url);
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  plane = api.plane;
});
afterEach(() => world?.stop());

const lease = async (): Promise<{ lease_ms: number; lease_seq: number; host_epoch: number } | undefined> =>
  (
    await plane.store.query<{ lease_ms: number; lease_seq: number; host_epoch: number }>(
      'SELECT lease_ms, lease_seq, host_epoch FROM host_lease',
    )
  )[0];

test('a guest outlives many short leases while its agent lives, and one that is not renewed ends it', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'brief');
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  await untilGuestSpeaks(call, vm);
  const before = await lease();
  expect(before?.lease_ms).toBe(leaseMs);
  // Ten renewals are two leases and more.
  await eventually(async () =>
    expect(Number((await lease())?.lease_seq)).toBeGreaterThan(Number(before?.lease_seq) + 10),
  );
  expect((await lease())?.host_epoch).toBe(before?.host_epoch);
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  let end = '';
  world.agent.hypervisor.onEvent((event) => {
    if (event.kind === 'ended') end = event.reason;
  });
  await world.agent.abandon();
  await eventually(async () => expect(await call('VM.get_power_state', vm)).toBe('Halted'));
  expect(end).toBe('watchdog');
});

test('a lease that was longer counts until the host has booted', async () => {
  await world.agent.abandon();
  const [[host = '', token = ''] = []] = Object.entries(
    JSON.parse(readFileSync(path.join(world.folder, 'agent', 'tokens.json'), 'utf8')) as Record<
      string,
      string
    >,
  );
  const register = async (ms: number, hypervisorBoot: string): Promise<unknown[]> => {
    const answer = await registerHosts(
      { ...plane, settings: { ...plane.settings, leaseMs: ms } },
      {
        registrations: [
          {
            ...{ host, token, agentBoot: 'another', hypervisorBoot, commandKey: 'key', domains: [] },
            agentUrl: 'http://127.0.0.1:9',
            inventory: await world.agent.hypervisor.inventory(host),
          },
        ],
      },
    );
    return [answer.hosts[0]?.leaseMs, (await lease())?.lease_ms];
  };
  const boot = await world.agent.hypervisor.bootOf(host);
  expect(await register(4_000, boot)).toEqual([4_000, 4_000]);
  expect(await register(leaseMs, boot)).toEqual([leaseMs, 4_000]);
  expect(await register(leaseMs, 'another boot')).toEqual([leaseMs, leaseMs]);
});

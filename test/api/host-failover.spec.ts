/** A host is lost without high availability: messages name it and its VMs, and one call starts them elsewhere. */
import { asRef } from '@xenplane/model';
import { openSession } from '@xenplane/xapi';
import { strangerIn, type Stranger } from '../agents';
import { eventually, login, startWorld, type Call, type World } from '../world';
import { xeWith } from '../xe';

let world: World;
let call: Call;
let lost: Stranger;
/** On the host that is lost: two that may be started, one that may not, one that is shut down before. */
let vms: Record<'first' | 'second' | 'blocked' | 'stopped', string>;
let back: Stranger | undefined;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  lost = await strangerIn(world, call, 51);
  const [first, second, blocked, stopped] = await Promise.all(
    ['first', 'second', 'blocked', 'stopped'].map(startedVm),
  );
  vms = { first: first ?? '', second: second ?? '', blocked: blocked ?? '', stopped: stopped ?? '' };
  await call('VM.hard_shutdown', vms.stopped);
  await call('VM.add_to_blocked_operations', vms.blocked, 'start', 'not without me');
});
afterAll(async () => {
  await back?.agent.stop();
  await world?.stop();
});

async function startedVm(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  await call('VM.start_on', vm, lost.host, false, false);
  return vm;
}
interface Message {
  readonly name: string;
  readonly cls: string;
  readonly obj_uuid: string;
  readonly body: string;
}
const messagesNamed = async (name: string): Promise<Message[]> =>
  Object.values(await call<Record<string, Message>>('message.get_all_records')).filter(
    (m) => m.name === name,
  );

test('while the host may live the call is refused, and only an operator may ask', async () => {
  await expect(call('host.failover', lost.host)).rejects.toThrow(`HOST_IS_LIVE ${lost.host}`);
  const [api] = world.apis;
  const token =
    api &&
    (await openSession(api.plane, {
      user: 'pat',
      root: false,
      role: 'vm-power-admin',
      originator: 'test',
      userRef: asRef<'user'>('OpaqueRef:NULL'),
    }));
  const answer = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'host.failover', params: [token, lost.host] }),
  });
  expect(await answer.json()).toMatchObject({
    error: { message: 'RBAC_PERMISSION_DENIED', data: ['host.failover', expect.any(String)] },
  });
});

test('nothing lists the call', async () => {
  expect(await call<string[]>('host.list_methods')).not.toContain('host.failover');
  const answer = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'system.listMethods', params: [] }),
  });
  expect(((await answer.json()) as { result: string[] }).result).not.toContain('host.failover');
});

test('a host that is lost is told of, and so is each VM that ran there', async () => {
  await lost.agent.stop();
  await eventually(async () =>
    expect(await messagesNamed('HOST_LOST')).toMatchObject([{ cls: 'Host', obj_uuid: lost.uuid }]),
  );
  const uuids = await Promise.all(
    [vms.first, vms.second, vms.blocked].map((vm) => call<string>('VM.get_uuid', vm)),
  );
  const told = await messagesNamed('VM_LOST_WITH_HOST');
  expect(told.map((m) => m.obj_uuid).toSorted()).toEqual(uuids.toSorted());
  expect(told.every((m) => m.cls === 'VM')).toBe(true);
  for (const vm of Object.values(vms)) expect(await call('VM.get_power_state', vm)).toBe('Halted');
});

test('they are started elsewhere, each once; what cannot be started is answered with the reason', async () => {
  const { code, out } = await xeWith(world, ['host-failover', `uuid=${lost.uuid}`]);
  expect(code).toBe(0);
  for (const vm of [vms.first, vms.second]) {
    expect(out).toContain(await call<string>('VM.get_uuid', vm));
    expect([
      await call('VM.get_power_state', vm),
      (await call('VM.get_resident_on', vm)) === lost.host,
    ]).toEqual(['Running', false]);
  }
  expect(out).toMatch(/OPERATION_BLOCKED .*not without me/);
  expect(await call('VM.get_power_state', vms.stopped)).toBe('Halted');
  await call('VM.remove_from_blocked_operations', vms.blocked, 'start');
  expect(await call('host.failover', lost.host)).toEqual({ [vms.blocked]: 'started' });
  expect(await call('host.failover', lost.host)).toEqual({});
});

test('that the host is back is told too, and nothing runs there', async () => {
  back = await strangerIn(world, call, 51);
  await eventually(async () =>
    expect(await messagesNamed('HOST_RETURNED')).toMatchObject([{ cls: 'Host', obj_uuid: lost.uuid }]),
  );
  expect(await back.agent.hypervisor.list(lost.uuid)).toEqual([]);
  await expect(call('host.failover', lost.host)).rejects.toThrow(`HOST_IS_LIVE ${lost.host}`);
});

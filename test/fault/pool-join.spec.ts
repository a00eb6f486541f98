/** A host on its way between two control planes, of which one is away. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { agentSettings } from '@xenplane/config';
import { agentCredential, simulated, type JoinAnswer } from '@xenplane/hypervisor';
import { OperationWorker } from '@xenplane/work';
import {
  describeError,
  endSessionsOfMember,
  operationsOf,
  PostgresOperations,
  type Plane,
} from '@xenplane/xapi';
import { startAgent, type RunningAgent } from '../../apps/agent/src/agent';
import { Kit, type Around } from '../derived/kit';
import { eventually, joinKey, login, password, startWorld, type Call, type World } from '../world';

let kit: Kit;
let b: World;
let there: Call;
let other: RunningAgent | undefined;
beforeEach(async () => {
  [kit, b] = await Promise.all([Kit.start(1), startWorld({ hosts: 1, seed: 8, scheduler: false })]);
  there = await login(b.url);
  for (const sr of await kit.call<string[]>('SR.get_by_name_label', 'Shared storage')) {
    for (const pbd of await kit.call<string[]>('SR.get_PBDs', sr)) await kit.call('PBD.unplug', pbd);
    await kit.call('SR.forget', sr);
  }
});
afterEach(async () => {
  await other?.stop();
  other = undefined;
  await Promise.all([kit?.stop(), b?.stop()]);
});

const isLive = async (call: Call, uuid: string): Promise<boolean> =>
  call<boolean>(
    'host_metrics.get_live',
    await call('host.get_metrics', await call('host.get_by_uuid', uuid)),
  );
const uuidHere = async (): Promise<string> => kit.call<string>('host.get_uuid', await kit.hostOf());
const accepted = (): Promise<string> => kit.accept('pool.join', [b.url, 'root', password]);

/** Another way to a server, which can be closed. */
async function forwarder(url: string): Promise<{ readonly url: string; close(): void }> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect({ host: hostname, port: Number(port) });
    for (const [one, next] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one);
      one.on('error', () => next.destroy());
      one.pipe(next);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** The operation, by a worker for whom a minute is a second. */
async function inHaste(task: string, around: Around): Promise<void> {
  const plane: Plane = {
    ...kit.plane,
    clock: { ...kit.plane.clock, monotonic: () => 60 * kit.plane.clock.monotonic() },
  };
  const worker = new OperationWorker({
    owner: 'in haste',
    store: new PostgresOperations(kit.plane),
    operations: operationsOf(plane),
    describe: describeError,
    around,
  });
  await worker.run(task);
}
const agentOf = (
  folder: string,
  settings: Record<string, string>,
  hypervisor: RunningAgent['hypervisor'],
): Promise<RunningAgent> =>
  startAgent(
    agentSettings({
      XENPLANE_SEED: '7',
      XENPLANE_SPEED: '0',
      XENPLANE_JOIN_KEY: joinKey,
      XENPLANE_LOG_LEVEL: 'error',
      XENPLANE_DATA: folder,
      ...settings,
    }),
    hypervisor,
  );

test('a pool that goes away before the host has come is given up, and the host works at home', async () => {
  const uuid = await uuidHere();
  const task = await accepted();
  await inHaste(task, async (step, phase, act) => {
    if (step === 'send' && phase !== 'undo') await stopApis();
    return act();
  });
  expect(await kit.finished(task)).toBe('failure');
  expect(await kit.call('task.get_error_info', task)).toEqual(['JOINING_HOST_CONNECTION_FAILED']);
  await eventually(async () => expect(await isLive(kit.call, uuid)).toBe(true));
  const vm = await kit.call<string>(
    'VM.clone',
    (await kit.call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
    'at home',
  );
  await kit.call('VM.remove_from_other_config', vm, 'disks');
  await kit.call('VM.provision', vm);
  await kit.run('VM.start', vm, false, false);
  await kit.sound();
});
async function stopApis(): Promise<void> {
  for (const api of b.apis) {
    await api.stop();
    Object.assign(api, { stop: async () => undefined });
  }
}

test('what the other pool did not mean to keep comes home by itself', async () => {
  const uuid = await uuidHere();
  const task = await accepted();
  await inHaste(task, async (step, phase, act) => {
    // It forgets whom it had asked.
    if (step === 'send' && phase !== 'undo') await b.apis[0]?.plane.store.query('DELETE FROM invitation');
    return act();
  });
  expect(await kit.finished(task)).toBe('failure');
  expect(await kit.call('task.get_error_info', task)).toEqual(['JOINING_HOST_SERVICE_FAILED']);
  await eventually(async () => expect(await isLive(kit.call, uuid)).toBe(true));
  await expect(there('host.get_by_uuid', uuid)).rejects.toThrow('UUID_INVALID');
});

test('a pool that cannot be asked any more when the host has come has it all the same', async () => {
  const uuid = await uuidHere();
  const way = await forwarder(b.url);
  const task = await kit.accept('pool.join', [way.url, 'root', password]);
  await inHaste(task, async (step, _phase, act) => {
    if (step === 'wait') {
      await eventually(async () => expect(await isLive(there, uuid)).toBe(true));
      way.close();
    }
    return act();
  });
  expect([await kit.finished(task), await kit.call('task.get_error_info', task)]).toEqual(['success', []]);
  await expect(login(kit.world.url)).rejects.toThrow(`HOST_IS_SLAVE ${way.url}`);
  expect(await isLive(there, uuid)).toBe(true);
});

test('of two joins at once one is refused, and does the other no harm', async () => {
  const uuid = await uuidHere();
  const [first, second] = [await accepted(), await accepted()];
  await inHaste(first, async (step, _phase, act) => {
    if (step === 'wait') await kit.work(second);
    return act();
  });
  expect([await kit.finished(first), await kit.finished(second)]).toEqual(['success', 'failure']);
  expect(await kit.call<string[]>('task.get_error_info', second)).toEqual([
    'OTHER_OPERATION_IN_PROGRESS',
    'pool',
    expect.any(String),
    'join',
    first,
  ]);
  expect(await isLive(there, uuid)).toBe(true);
});

test('an agent that starts anew finds its host where it went; the sessions of the plane that was left end', async () => {
  const uuid = await uuidHere();
  const [{ command_key: sender = '' } = {}] = await kit.plane.store.query<Run>(
    'SELECT command_key FROM host_run',
  );
  await kit.work(await accepted());
  await eventually(async () => expect(await isLive(there, uuid)).toBe(true));
  const folder = path.join(kit.world.folder, 'agent');
  expect(statSync(path.join(folder, 'places.json')).mode & 0o777).toBe(0o600);
  const epoch = async (): Promise<number> =>
    (
      await b.apis[0]?.plane.store.query<{ host_epoch: number }>(
        'SELECT host_epoch FROM host_run WHERE uuid = $1',
        [uuid],
      )
    )?.[0]?.host_epoch ?? 0;
  const before = await epoch();
  await kit.world.agent.abandon();
  other = await agentOf(
    folder,
    { XENPLANE_HOSTS: '1', XENPLANE_API_URL: kit.world.url, XENPLANE_IMAGES_URL: kit.world.imagesUrl },
    kit.world.agent.hypervisor,
  );
  await eventually(async () => expect(await epoch()).toBeGreaterThan(before));

  // The pool where it is may not send it on; the sender is notified that it has settled.
  const [run] =
    (await b.apis[0]?.plane.store.query<Run>(
      'SELECT agent_url, command_key, host_epoch FROM host_run WHERE uuid = $1',
      [uuid],
    )) ?? [];
  expect(await command(uuid, run, 'PUT')).toBe('visiting');
  expect(await command(uuid, run, 'DELETE')).toBe('done');
  expect(await command(uuid, { ...run, command_key: sender }, 'PUT')).toBe('settled');
  expect(await command(uuid, { ...run, command_key: sender }, 'DELETE')).toBe('settled');
  expect(await command(uuid, { ...run, command_key: 'anything' }, 'DELETE')).toBeUndefined();
  expect(await isLive(there, uuid)).toBe(true);

  expect(await kit.call('pool.get_all')).toHaveLength(1);
  await kit.plane.store.query("UPDATE slave_of SET since = since - interval '11 seconds'");
  await endSessionsOfMember(kit.plane);
  await eventually(() => expect(kit.call('pool.get_all')).rejects.toThrow('SESSION_INVALID'));
  await expect(login(kit.world.url)).rejects.toThrow(`HOST_IS_SLAVE ${b.url}`);
});

test('a control plane that does not answer keeps no host from another; an invitation is for one host, once', async () => {
  const raw = async (
    method: string,
    body?: object,
    session = '',
  ): Promise<{ status: number; body: { secret?: string; error?: string[] } }> => {
    const response = await fetch(`${b.url}/agent/v1/invitations`, {
      method,
      headers: { authorization: `Session ${session}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return {
      status: response.status,
      body: (await response.json()) as { secret?: string; error?: string[] },
    };
  };
  const guest = simulated.hostUuid(31, 1);
  const asked = { host: guest, nameLabel: 'a guest', nameDescription: '' };
  expect(await raw('POST', asked)).toEqual({ status: 403, body: { error: ['SESSION_INVALID', ''] } });
  const session = await tokenOf(b);
  expect((await raw('POST', { ...asked, host: 'nobody' }, session)).status).toBe(400);
  const member = await there<string>('host.get_uuid', (await there<string[]>('host.get_all'))[0]);
  expect((await raw('POST', { ...asked, host: member }, session)).body.error).toEqual([
    'DB_UNIQUENESS_CONSTRAINT_VIOLATION',
    'host',
    'uuid',
    member,
  ]);
  expect((await raw('POST', asked, await readerOf(b))).body.error?.[0]).toBe('RBAC_PERMISSION_DENIED');
  const { secret = '' } = (await raw('POST', asked, session)).body;

  const unanswered = new Set<Socket>();
  const silent = createServer((socket) => void unanswered.add(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const folder = path.join(b.folder, 'another-agent');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    path.join(folder, 'places.json'),
    JSON.stringify({
      away: { [guest]: { apiUrl: b.url, imagesUrl: b.imagesUrl, secret, key: 'k' } },
      returned: [],
    }),
  );
  other = await agentOf(
    folder,
    {
      XENPLANE_SEED: '31',
      XENPLANE_HOSTS: '2',
      XENPLANE_API_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    },
    new simulated.SimulatedXen({ seed: 31, speed: 0, hosts: 2 }),
  );
  await eventually(async () => expect(await isLive(there, guest)).toBe(true));
  const joinAgain = async (): Promise<JoinAnswer> => {
    const body = JSON.stringify({
      joins: [{ host: guest, secret, inventory: simulated.inventoryOf(31, 1) }],
    });
    const answer = await fetch(`${b.url}/agent/v1/joins`, {
      method: 'POST',
      headers: { authorization: agentCredential(joinKey) },
      body,
    });
    return (await answer.json()) as JoinAnswer;
  };
  const refused = { hosts: [{ host: guest, token: '', refused: expect.any(String) }] };
  expect(await joinAgain()).toEqual(refused);
  await there('pool.eject', await there('host.get_by_uuid', guest));
  expect(await joinAgain()).toEqual(refused);
  silent.close();
  unanswered.forEach((socket) => socket.destroy());
});

interface Run {
  readonly agent_url?: string;
  readonly command_key?: string;
  readonly host_epoch?: number;
}
/** The answer of an agent to a command about the pool that its host belongs to. */
async function command(
  uuid: string,
  { agent_url, command_key, host_epoch }: Run = {},
  method: 'PUT' | 'DELETE',
): Promise<string | undefined> {
  const there = {
    hostEpoch: host_epoch,
    apiUrl: 'http://127.0.0.1:1',
    imagesUrl: 'http://127.0.0.1:1',
    secret: 's',
  };
  const response = await fetch(`${agent_url}/hosts/${uuid}/plane`, {
    method,
    headers: {
      authorization: `Bearer ${command_key}`,
      ...(method === 'PUT' ? { 'content-type': 'application/json' } : {}),
    },
    ...(method === 'PUT' ? { body: JSON.stringify(there) } : {}),
  });
  return ((await response.json()) as { phase?: string }).phase;
}
/** The session of a user who may only read. */
async function readerOf(world: World): Promise<string> {
  await there(
    'pool.enable_external_auth',
    (await there<string[]>('pool.get_all'))[0],
    { 'user:eve': 'apple' },
    'x',
    'PAM',
  );
  const subject = await there<string>('subject.create', {
    subject_identifier: await there('auth.get_subject_identifier', 'eve'),
    other_config: {},
  });
  await there(
    'subject.add_to_roles',
    subject,
    (await there<string[]>('role.get_by_name_label', 'read-only'))[0],
  );
  return tokenOf(world, 'eve', 'apple');
}
async function tokenOf(world: World, user = 'root', pwd = password): Promise<string> {
  const response = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'session.login_with_password',
      params: [user, pwd],
    }),
  });
  return ((await response.json()) as { result: string }).result;
}

/** The program for leases: who is let in, what is refused, and what renewals do not wait for. */
import { connect } from 'node:net';
import { leasesSettings } from '@xenplane/config';
import { tokenHash } from '@xenplane/leases';
import { Client } from 'pg';
import { startLeases, type RunningLeases } from '../../apps/leases/src/leases';
import { eventually, startWorld, statusOf, type World } from '../world';

interface Lease {
  readonly uuid: string;
  readonly host_epoch: number;
  readonly lease_seq: number;
}
let world: World;
let leases: RunningLeases;
let client: Client;
const token = 'of-a-host-that-no-agent-renews-any-more';

beforeAll(async () => {
  world = await startWorld({ hosts: 2, scheduler: false });
  leases = await startLeases(
    leasesSettings({
      DATABASE_URL: world.databaseUrl,
      XENPLANE_LEASES_PORT: '0',
      XENPLANE_LOG_LEVEL: 'fatal',
    }),
  );
  await world.agent.abandon();
  client = new Client({ connectionString: world.databaseUrl });
  await client.connect();
  await client.query('UPDATE host_run SET token_hash = $1', [tokenHash(token)]);
  known = (await both())[0].uuid;
});
afterAll(async () => {
  await client?.end();
  await leases?.stop();
  await world?.stop();
});

const load = { memoryFreeBytes: 1, domains: 0, cpuUsage: 0.5 };
const renewal = ({ uuid, host_epoch }: Lease, given = token): object => ({
  host: uuid,
  token: given,
  hostEpoch: host_epoch,
  load,
});
let known = '';
const ask = (body: unknown, authorization = `Host ${known} ${token}`, url = leases.url): Promise<Response> =>
  fetch(`${url}/agent/v1/renewals`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify(body),
  });
const renew = async (...renewals: object[]): Promise<unknown> => (await ask({ renewals })).json();
async function both(): Promise<[Lease, Lease]> {
  const rows =
    (await world.apis[0]?.plane.store.query<Lease>(
      'SELECT uuid, host_epoch, lease_seq FROM host_lease ORDER BY uuid',
    )) ?? [];
  const [a, b] = rows;
  if (!a || !b) throw new Error('two hosts are wanted');
  return [a, b];
}

test('renews the hosts whose token and epoch are right, and no other; the API does the same', async () => {
  const [a, b] = await both();
  const asked = [renewal(a), renewal({ ...b, host_epoch: b.host_epoch - 1 })];
  const answered = {
    renewals: [
      { host: a.uuid, renewed: true },
      { host: b.uuid, renewed: false },
    ],
  };
  expect(await renew(...asked)).toEqual(answered);
  expect(await (await ask({ renewals: asked }, undefined, world.url)).json()).toEqual(answered);
  expect(await renew(renewal(b, 'another token'))).toEqual({ renewals: [{ host: b.uuid, renewed: false }] });
  const [after, other] = await both();
  expect([after.lease_seq, other.lease_seq]).toEqual([a.lease_seq + 2, b.lease_seq]);
});

test('a transaction that holds a host keeps its lease from nothing; one that holds a lease keeps the others from nothing', async () => {
  const [a, b] = await both();
  await client.query('BEGIN');
  await client.query('UPDATE host_run SET memory_free = memory_free');
  expect(await renew(renewal(a), renewal(b))).toEqual({
    renewals: [
      { host: a.uuid, renewed: true },
      { host: b.uuid, renewed: true },
    ],
  });
  await client.query('SELECT 1 FROM host_lease WHERE uuid = $1 FOR UPDATE', [a.uuid]);
  expect(await renew(renewal(a), renewal(b))).toEqual({ renewals: [{ host: b.uuid, renewed: true }] });
  await client.query('ROLLBACK');
  expect(await renew(renewal(a))).toEqual({ renewals: [{ host: a.uuid, renewed: true }] });
});

test('a host that does not live any more is not renewed', async () => {
  const [a] = await both();
  await client.query('UPDATE host_run SET alive = false WHERE uuid = $1', [a.uuid]);
  expect(await renew(renewal(a))).toEqual({ renewals: [{ host: a.uuid, renewed: false }] });
  await client.query('UPDATE host_run SET alive = true WHERE uuid = $1', [a.uuid]);
});

const nobody = '00000000-0000-4000-8000-00000000000f';
test.each([`Host ${nobody} ${token}`, 'Host of nobody', `Host ${nobody}`, 'Basic eA==', ''])(
  '%j is refused before its body is read',
  async (authorization) => {
    const { hostname, port } = new URL(leases.url);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(port), hostname, () =>
        socket.write(
          `POST /agent/v1/renewals HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-length: 100000\r\n\r\n{`,
        ),
      );
      socket
        .setEncoding('utf8')
        .on('data', (piece) => (text += piece))
        .on('end', () => resolve(text))
        .on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  },
);

const host = '00000000-0000-4000-8000-000000000001';
const good = { host, token, hostEpoch: 1, load };
test.each([
  ['nothing', {}],
  ['a list', [good]],
  ['too many', { renewals: Array(1001).fill(good) }],
  ['an entry that is none', { renewals: [good, null] }],
  ['a host that is no UUID', { renewals: [{ ...good, host: '../x' }] }],
  ['a token that is no text', { renewals: [{ ...good, token: 1 }] }],
  ['an epoch that is no number', { renewals: [{ ...good, hostEpoch: '1' }] }],
  ['an epoch that no number column takes', { renewals: [{ ...good, hostEpoch: 1e300 }] }],
  ['no load', { renewals: [{ ...good, load: undefined }] }],
  ['a load beyond its bounds', { renewals: [{ ...good, load: { ...load, cpuUsage: 2 } }] }],
])('%s is no request for renewals', async (_what, body) => {
  expect(await statusOf(ask(body))).toBe(400);
});

test('bodies are small, and other paths are nothing', async () => {
  expect(await statusOf(ask({ renewals: [{ ...good, more: 'x'.repeat(600_000) }] }))).toBe(413);
  expect(await statusOf(fetch(`${leases.url}//`))).toBe(404);
  expect(await statusOf(fetch(`${leases.url}/agent/v1/renewals`))).toBe(404);
  for (const state of ['live', 'ready'])
    expect(await statusOf(fetch(`${leases.url}/health/${state}`))).toBe(200);
});

test('connections that the database ends are replaced', async () => {
  const [a] = await both();
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'xenplane leases' AND datname = current_database()",
  );
  await eventually(async () =>
    expect(await renew(renewal(a))).toEqual({ renewals: [{ host: a.uuid, renewed: true }] }),
  );
});

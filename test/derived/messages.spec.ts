/** Every message of the model over the wire: what it answers to no session, a wrong count, a role that is too weak; every class on both wires. */
import { asRef, isClassName, mandatory, messages, storedClasses, type Message } from '@xenplane/model';
import { openSession } from '@xenplane/xapi';
import { parseResponse } from '@xenplane/wire';
import { post, xmlCall } from '../wire/raw';
import { eventually, login, startWorld, type World } from '../world';
import { Asking, blank } from './asking';

let world: World;
let asking: Asking;
let reader: string;
let root: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  asking = new Asking(world.url);
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  const opening = {
    user: 'somebody',
    root: false,
    originator: 'test',
    userRef: asRef<'user'>('OpaqueRef:NULL'),
  };
  reader = await openSession(api.plane, { ...opening, role: 'read-only' });
  root = await openSession(api.plane, { ...opening, user: 'root', root: true, role: 'local-root' });
});
afterAll(async () => {
  asking?.close();
  await world?.stop();
});

const all = [...messages.values()].filter((m) => !m.hidden);
const withSession = all.filter((m) => m.session);
const quoted = JSON.stringify;

/** Those of the messages that are not refused with one of the codes. */
const refusals = (
  asked: readonly Message[],
  params: (m: Message) => readonly string[],
  ...codes: readonly ((m: Message) => string)[]
): Promise<string[]> =>
  asking.complaints(asked, async (m) => {
    const { error } = await asking.ask(m.name, params(m));
    return codes.some((code) => code(m) === error?.message)
      ? undefined
      : `${m.name} (${m.role}): ${error?.message ?? 'answered'}`;
  });

test('a message without a form in the background says so on both wires, under its own name', async () => {
  const asked = withSession
    .filter(({ async, state }) => !async && state !== 'removed')
    .flatMap((m) => ['Async.', 'InternalAsync.'].map((prefix) => [prefix, m] as const));
  const wrong = await asking.complaints(asked, async ([prefix, m]) => {
    const { error } = await asking.ask(`${prefix}${m.name}`, [quoted(root), ...blank(m)]);
    const fault = `No async mode for this operation (rpc: ${m.name})`;
    return error?.message !== 'Fault' || error.data[0] !== fault
      ? `${prefix}${m.name}: ${error?.message ?? 'answered'}`
      : undefined;
  });
  expect(asked.length).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
  const body = xmlCall('Async.VM.get_record', root, 'OpaqueRef:NULL');
  expect((await post(world, '/', body)).body).toContain(
    '<data><value>Fault</value><value>No async mode for this operation (rpc: VM.get_record)</value></data>',
  );
});

test('the list of methods has each published message, and none in the background', async () => {
  const names = (await asking.ask('system.listMethods', [])).result as string[];
  expect(names.toSorted()).toEqual(all.map((m) => m.name).toSorted());
  const { body } = await post(world, '/', xmlCall('system.listMethods'));
  expect(body).toContain('<value>VM.start</value>');
  expect(body).not.toContain('Async.');
});

test('no message answers to a session that is none', async () => {
  const wrong = await refusals(
    withSession,
    (m) => [quoted('OpaqueRef:no-session'), ...blank(m)],
    () => 'SESSION_INVALID',
  );
  expect(withSession.length).toBeGreaterThan(1990);
  expect(wrong).toEqual([]);
});

test('every message counts its parameters before it looks at the session', async () => {
  const counting = withSession.filter((one) => mandatory(one) > 0);
  const wrong = await asking.complaints(counting, async (m) => {
    const { error } = await asking.ask(m.name, []);
    return error?.message !== 'MESSAGE_PARAMETER_COUNT_MISMATCH' ||
      error.data.join() !== [m.name, mandatory(m), -1].join()
      ? `${m.name}: ${error?.message} ${error?.data.join()}`
      : undefined;
  });
  expect(wrong).toEqual([]);
});

test('a read-only session may do what the model says and nothing else, and changes nothing', async () => {
  const [api] = world.apis;
  const fingerprint = async (): Promise<unknown> =>
    Promise.all(
      ['vm', 'host', 'sr', 'vdi', 'vbd', 'vif', 'network', 'pool', 'pbd'].map((t) =>
        api?.plane.store.query(`SELECT md5(string_agg(x::text, '' ORDER BY x.ref)) AS md5 FROM "${t}" x`),
      ),
    );
  await eventually(async () => undefined);
  const before = await fingerprint();
  // The parent of an object is looked up first; that there is none is as good a refusal.
  const wrong = await refusals(
    withSession.filter(
      (one) => one.role !== 'read-only' && one.state !== 'removed' && one.runs !== 'planned',
    ),
    (m) => [quoted(reader), ...blank(m)],
    () => 'RBAC_PERMISSION_DENIED',
    () => 'HANDLE_INVALID',
  );
  expect(wrong).toEqual([]);
  expect(await fingerprint()).toEqual(before);
});

test('what is not built says so, what was removed says that', async () => {
  const wrong = await refusals(
    withSession.filter((one) => one.runs === 'planned' || one.state === 'removed'),
    (m) => [quoted(root), ...blank(m)],
    (m) => (m.state === 'removed' ? 'MESSAGE_REMOVED' : 'NOT_IMPLEMENTED'),
  );
  expect(wrong).toEqual([]);
});

test('a wrong type is refused and nothing falls over', async () => {
  const typed = withSession.filter(
    (one) => one.params.length > 0 && one.runs !== 'planned' && one.state !== 'removed',
  );
  const wrong = await asking.complaints(typed, async (m) => {
    const { error } = await asking.ask(m.name, [
      quoted(root),
      ...m.params.slice(0, mandatory(m)).map(() => '[[1.5]]'),
    ]);
    return mandatory(m) > 0 && error?.message !== 'INTERNAL_ERROR'
      ? `${m.name}: ${error?.message ?? 'answered'}`
      : undefined;
  });
  expect(wrong).toEqual([]);
});

test.each(
  storedClasses
    .filter((c) => c.lists === undefined && isClassName(c.name) && c.state !== 'removed')
    .map((c) => c.name),
)('%s.get_all_records is the same on both wires', async (cls) => {
  const json = (await asking.ask(`${cls}.get_all_records`, [quoted(root)])).result as Record<
    string,
    Record<string, unknown>
  >;
  const body = `<?xml version="1.0"?><methodCall><methodName>${cls}.get_all_records</methodName><params><param><value>${root}</value></param></params></methodCall>`;
  const response = await fetch(`${world.url}/any/path`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml' },
    body,
  });
  expect(response.headers.get('content-type')).toBe('text/xml');
  const xml = parseResponse(Buffer.from(await response.arrayBuffer())) as Record<
    string,
    Record<string, unknown>
  >;
  expect(Object.keys(xml).sort()).toEqual(Object.keys(json).sort());
  for (const ref of Object.keys(json))
    expect(Object.keys(xml[ref] ?? {})).toEqual(Object.keys(json[ref] ?? {}));
});

test('the language of expressions', async () => {
  const call = await login(world.url);
  const [address] = Object.values(await call<Record<string, { IP: string }>>('PIF.get_all_records'))
    .map((p) => p.IP)
    .filter((ip) => ip !== '');
  const found = await call<Record<string, { IP: string }>>(
    'PIF.get_all_records_where',
    `field "IP"="${address}"`,
  );
  expect(Object.values(found).map((p) => p.IP)).toEqual([address]);
  await expect(
    call('VM.get_all_records_where', `field "name__label" = "' ; drop table vm;--"`),
  ).resolves.toEqual({});
  await expect(call('VM.get_all_records_where', '('.repeat(5000))).rejects.toThrow('INTERNAL_ERROR');
});

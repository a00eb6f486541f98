/** Every message for every role, over the wire, against the facts; and single keys of maps by every way that a key can get into one. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { asRef, isClassName, messages, roles, zeroOf, type Message, type Role } from '@xenplane/model';
import { openSession, permissions } from '@xenplane/xapi';
import { startWorld, type World } from '../world';
import { Asking, blank } from './asking';

interface Facts {
  readonly minimal: Readonly<Record<string, string>>;
  readonly keyed: Readonly<Record<string, string>>;
  readonly http: Readonly<Record<string, string>>;
}
const facts = JSON.parse(
  readFileSync(path.join(__dirname, '..', '..', 'libs', 'model', 'facts', 'roles.json'), 'utf8'),
) as Facts;
const order = ['local-root', ...roles];
/** As the facts write it: the least role, and whether the internal role may too. */
function may(role: Role, fact: string): boolean {
  const [least = '', extra] = fact.split('+');
  if (role === 'client-cert' && extra === 'client-cert') return true;
  return least !== 'local-root' && order.indexOf(role) <= order.indexOf(least);
}

let world: World;
const tokens = new Map<Role, string>();
let asking: Asking;

async function open(role: Role): Promise<string> {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return openSession(api.plane, {
    user: role,
    root: role === 'local-root',
    role,
    originator: 'test',
    userRef: asRef<'user'>('OpaqueRef:NULL'),
  });
}
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  asking = new Asking(world.url);
  for (const role of ['local-root', ...roles] as const) tokens.set(role, await open(role));
});
afterAll(async () => {
  asking?.close();
  await world?.stop();
});

async function call<T>(role: Role, method: string, ...params: unknown[]): Promise<T> {
  const { result, error } = await asking.ask(method, [
    JSON.stringify(tokens.get(role)),
    ...params.map((p) => JSON.stringify(p)),
  ]);
  if (error) throw new Error([error.message, ...error.data].join(' '));
  return result as T;
}

const told = [...messages.values()].filter((m) => m.session && m.state !== 'removed');
/** Messages that only this control plane has. */
const ours: Readonly<Record<string, string>> = { 'host.failover': 'pool-operator' };
const factOf = (m: Message): string => ours[m.name] ?? facts.minimal[m.name] ?? 'read-only';
const isMapSet = (m: Message): boolean =>
  m.call.startsWith('set_') && m.cls.fields[m.call.slice(4)]?.keyRoles !== undefined;

/** Asks for all of these, a few at a time, and says what was not as it should be. */
const complaints = (
  pairs: readonly (readonly [Role, Message])[],
  wrong: (m: Message, code: string | undefined) => boolean,
): Promise<string[]> =>
  asking.complaints(pairs, async ([role, m]) => {
    const { error } = await asking.ask(m.name, [JSON.stringify(tokens.get(role)), ...blank(m)]);
    return wrong(m, error?.message) ? `${role} ${m.name}: ${error?.message ?? 'answered'}` : undefined;
  });

test('the facts name the least role of every message', () => {
  const ours = Object.fromEntries(
    [...messages.values()]
      .filter((m) => !m.hidden && m.name in facts.minimal)
      .map((m) => [m.name, `${m.role}${m.clientCert ? '+client-cert' : ''}`]),
  );
  const theirs = Object.fromEntries(Object.entries(facts.minimal).filter(([name]) => name in ours));
  expect(Object.keys(ours).length).toBeGreaterThan(1900);
  expect(ours).toEqual(theirs);
});

test.each(roles)('%s is refused all that needs more', async (role) => {
  const refused = told.filter(
    (m) => !may(role, factOf(m)) && !(m.keyRoles && Object.values(m.keyRoles).some((r) => may(role, r))),
  );
  if (role !== 'pool-admin') expect(refused.length).toBeGreaterThan(50);
  const before = await counts();
  // The object whose present value matters is looked up first; that there is none is as good a refusal.
  const found = await complaints(
    refused.map((m) => [role, m]),
    (m, code) => code !== 'RBAC_PERMISSION_DENIED' && !(isMapSet(m) && code === 'HANDLE_INVALID'),
  );
  expect(found).toEqual([]);
  expect(await counts()).toEqual(before);
});

const counts = async (): Promise<unknown> =>
  world.apis[0]?.plane.store.query(
    'SELECT (SELECT count(*) FROM vm) AS vms, (SELECT count(*) FROM vdi) AS vdis, (SELECT count(*) FROM network) AS networks, (SELECT count(*) FROM subject) AS subjects',
  );

/** Messages about an object: with a reference to nothing they end as soon as they may begin. */
const aboutObject = (m: Message): boolean => {
  const [first] = m.params;
  return (
    first?.type.kind === 'ref' &&
    isClassName(first.type.cls ?? '') &&
    !['session.get_by_uuid'].includes(m.name)
  );
};
test.each(roles)('%s is let in to all that it may do to an object', async (role) => {
  const allowed = told.filter((m) => aboutObject(m) && may(role, factOf(m)));
  expect(allowed.length).toBeGreaterThan(700);
  expect(
    await complaints(
      allowed.map((m) => [role, m]),
      (_m, code) => code === 'RBAC_PERMISSION_DENIED' || code === 'SESSION_INVALID',
    ),
  ).toEqual([]);
});

test.each(roles)('the permissions of %s are those of the facts', async (role) => {
  const lower = (all: Readonly<Record<string, string>>): string[] =>
    Object.entries(all)
      .filter(([, fact]) => may(role, fact))
      .map(([name]) => name.toLowerCase());
  const [ref] = await call<string[]>('read-only', 'role.get_by_name_label', role);
  const names = new Set(await call<string[]>('read-only', 'role.get_permissions_name_label', ref));
  const known = new Set(permissions.map((p) => p.name));
  const expected = [...lower(facts.minimal), ...lower(facts.keyed), ...lower(facts.http)].filter((name) =>
    known.has(name),
  );
  expect(expected.filter((name) => !names.has(name))).toEqual([]);
  const all = { ...facts.minimal, ...facts.keyed, ...facts.http };
  const refused = Object.entries(all).filter(([, fact]) => !may(role, fact));
  expect(refused.map(([name]) => name.toLowerCase()).filter((name) => names.has(name))).toEqual([]);
});

test('permissions are roles without others in them, found by name and by reference', async () => {
  const holders = await call<string[]>('read-only', 'role.get_by_permission_name_label', 'vm.start');
  const names = await Promise.all(
    holders.map((ref) => call<string>('read-only', 'role.get_name_label', ref)),
  );
  expect(names).toEqual(['pool-admin', 'pool-operator', 'vm-power-admin', 'vm-admin', 'vm-operator']);
  const [start] = await call<string[]>('read-only', 'role.get_by_name_label', 'vm.start');
  expect(await call('read-only', 'role.get_by_permission', start)).toEqual(holders);
  expect(await call('read-only', 'role.get_permissions', start)).toEqual([start]);
  expect(await call('read-only', 'role.get_record', start)).toMatchObject({
    name_label: 'vm.start',
    subroles: [],
    is_internal: false,
  });
  const real = await call<Record<string, { name_label: string; subroles: string[]; is_internal: boolean }>>(
    'read-only',
    'role.get_all_records_where',
    'not field "subroles"=""',
  );
  expect(Object.keys(real).length).toBeGreaterThan(2000);
  const [operator] = await call<string[]>('read-only', 'role.get_by_name_label', 'vm-operator');
  expect(await call<string[]>('read-only', 'role.get_subroles', operator)).toContain(start);
  expect(await call('read-only', 'role.get_permissions', operator)).toEqual(
    await call('read-only', 'role.get_subroles', operator),
  );
  expect(await call('read-only', 'role.get_by_permission_name_label', 'no.such')).toEqual([]);
  const all = await call<Record<string, { subroles: string[]; is_internal: boolean; name_label: string }>>(
    'read-only',
    'role.get_all_records',
  );
  expect(
    Object.values(all)
      .filter((r) => r.subroles.length > 0)
      .map((r) => [r.name_label, r.is_internal])
      .sort(),
  ).toEqual(roles.map((r) => [r, r === 'client-cert']).sort());
});

test('a session is told its permissions; the local superuser needs none', async () => {
  const of = (role: Role): Promise<string[]> => call(role, 'session.get_rbac_permissions', tokens.get(role));
  const [ref] = await call<string[]>('read-only', 'role.get_by_name_label', 'vm-operator');
  expect(await of('vm-operator')).toEqual(await call('read-only', 'role.get_permissions_name_label', ref));
  expect(await of('local-root')).toEqual([]);
});

describe('single keys of maps', () => {
  /** Class, field, key, the least role for it. A pattern stands for a key of its kind. */
  const keyed = [...messages.values()]
    .filter((m) => m.call.startsWith('add_to_'))
    .flatMap((m) => {
      const field = m.call.slice('add_to_'.length);
      return Object.entries(m.cls.fields[field]?.keyRoles ?? {}).map(
        ([key, role]) => [m.cls.name, field, key.replace('*', 'mine'), role, m.role] as const,
      );
    });
  const objects = new Map<string, string>();
  beforeAll(async () => {
    for (const cls of new Set(keyed.map(([c]) => c))) {
      const [first] = await call<string[]>('local-root', `${cls}.get_all`);
      objects.set(cls, cls === 'VM' ? await makeVm('local-root', {}) : (first ?? ''));
    }
  });
  const denied = (work: Promise<unknown>): Promise<boolean> =>
    work.then(
      () => false,
      (error: Error) => error.message.startsWith('RBAC_PERMISSION_DENIED') || Promise.reject(error),
    );

  test.each(keyed)('%s.%s: %s needs %s, whichever way it goes in or out', async (cls, field, key, least) => {
    for (const role of roles.filter((r) => r !== 'client-cert')) {
      // Of tasks everybody changes only their own.
      const self = cls === 'task' ? await call<string>(role, 'task.create', 'mine', '') : objects.get(cls);
      const set = (who: Role, value: unknown): Promise<unknown> =>
        call(who, `${cls}.set_${field}`, self, value);
      const present = await call<Record<string, string>>('local-root', `${cls}.get_${field}`, self);
      const allowed = may(role, least);
      expect([role, 'add_to', !(await denied(call(role, `${cls}.add_to_${field}`, self, key, 'x')))]).toEqual(
        [role, 'add_to', allowed],
      );
      await set('local-root', { ...present, [key]: 'x' });
      expect([
        role,
        'remove_from',
        !(await denied(call(role, `${cls}.remove_from_${field}`, self, key))),
      ]).toEqual([role, 'remove_from', allowed]);
      await set('local-root', present);
      // A whole map needs its own role besides.
      const whole = allowed && may(role, facts.minimal[`${cls}.set_${field}`] ?? '');
      expect([role, 'set', !(await denied(set(role, { ...present, [key]: 'y' })))]).toEqual([
        role,
        'set',
        whole,
      ]);
      await set('local-root', { ...present, [key]: 'x' });
      expect([role, 'set away', !(await denied(set(role, present)))]).toEqual([role, 'set away', whole]);
      await set('local-root', present);
    }
  });

  const guarded = keyed.filter(([cls, , , role]) => cls === 'VM' && role === 'pool-admin');
  test.each(guarded)('a new %s brings %s:%s only where it may be set', async (_cls, field, key) => {
    await expect(makeVm('vm-admin', { [field]: { [key]: 'x' } })).rejects.toThrow(
      `RBAC_PERMISSION_DENIED vm.create/key:${key}`,
    );
    const tainted = await makeVm('pool-admin', { [field]: { [key]: 'x' } });
    await expect(call('vm-admin', 'VM.clone', tainted, 'copy')).rejects.toThrow(
      `RBAC_PERMISSION_DENIED vm.clone/key:${key}`,
    );
    await expect(call('vm-admin', 'VM.copy', tainted, 'copy', 'OpaqueRef:NULL')).rejects.toThrow(
      `RBAC_PERMISSION_DENIED vm.copy/key:${key}`,
    );
    const copy = await call<string>('pool-admin', 'VM.clone', tainted, 'copy');
    expect(await call('read-only', `VM.get_${field}`, copy)).toMatchObject({ [key]: 'x' });
  });
  const devices = keyed.filter(([cls, , , role]) => cls === 'VBD' && role === 'pool-admin');
  test.each(devices)(
    'a new %s, and a copy of its VM, bring %s:%s only where it may be set',
    async (_cls, field, key) => {
      const vm = await makeVm('vm-admin', {});
      const drive = (role: Role, extra: Record<string, unknown>): Promise<string> =>
        call(role, 'VBD.create', { ...blankDrive, VM: vm, userdevice: 'autodetect', ...extra });
      await expect(drive('vm-admin', { [field]: { [key]: 'x' } })).rejects.toThrow(
        `RBAC_PERMISSION_DENIED vbd.create/key:${key}`,
      );
      await drive('pool-admin', { [field]: { [key]: 'x' } });
      await expect(call('vm-admin', 'VM.clone', vm, 'copy')).rejects.toThrow(
        `RBAC_PERMISSION_DENIED vm.clone/key:${key}`,
      );
      await expect(call('vm-admin', 'VM.copy', vm, 'copy', 'OpaqueRef:NULL')).rejects.toThrow(
        `RBAC_PERMISSION_DENIED vm.copy/key:${key}`,
      );
    },
  );
  test.each(['constructor', '__proto__', 'toString'])('%s is a key like others', async (key) => {
    const vm = await makeVm('vm-admin', {});
    await call('vm-admin', 'VM.add_to_other_config', vm, key, 'x');
    expect(Object.entries(await call<object>('read-only', 'VM.get_other_config', vm))).toContainEqual([
      key,
      'x',
    ]);
    await call('vm-admin', 'VM.remove_from_other_config', vm, key);
  });
  test('there are such keys', () => expect([guarded.length > 2, devices.length > 1]).toEqual([true, true]));
});

test('secrets are told to operators alone, when they ask, and to nobody by events', async () => {
  const value = 'not for everybody';
  const secret = await call<string>('pool-operator', 'secret.create', { value, other_config: {} });
  const asked = (role: Role): Promise<unknown>[] => [
    ...['*', 'secret', `secret/${secret}`].map((cls) => call(role, 'event.from', [cls], '', 0)),
    call(role, 'secret.get_record', secret),
    call(role, 'secret.get_value', secret),
    call(role, 'secret.get_all_records'),
    call(role, 'secret.get_all_records_where', `field "value"="${value}"`),
    call(role, 'secret.get_by_uuid', value),
  ];
  const told = async (role: Role): Promise<number> => {
    const answers = await Promise.allSettled(asked(role));
    return answers.filter((a) => a.status === 'fulfilled' && JSON.stringify(a.value).includes(value)).length;
  };
  for (const role of roles)
    expect([role, await told(role)]).toEqual([role, may(role, 'pool-operator') ? 4 : 0]);
  await call('pool-operator', 'event.register', ['*']);
  await call('pool-operator', 'secret.set_value', secret, `${value} again`);
  await call('pool-operator', 'task.create', 'something else', '');
  expect(JSON.stringify(await call('pool-operator', 'event.next'))).not.toContain(value);
});

const blankDrive = {
  VDI: 'OpaqueRef:NULL',
  bootable: false,
  mode: 'RO',
  type: 'CD',
  unpluggable: true,
  empty: true,
  other_config: {},
  qos_algorithm_type: '',
  qos_algorithm_params: {},
};
function makeVm(role: Role, fields: Record<string, unknown>): Promise<string> {
  const cls = messages.get('VM.create')?.cls;
  const blankFields = Object.fromEntries(
    Object.entries(cls?.fields ?? {})
      .filter(([, f]) => f.access !== 'readOnly')
      .map(([name, f]) => [name, f.default ?? zeroOf(f.type)]),
  );
  return call(role, 'VM.create', {
    ...blankFields,
    name_label: 'keyed',
    VCPUs_max: 1,
    VCPUs_at_startup: 1,
    ...fields,
  });
}

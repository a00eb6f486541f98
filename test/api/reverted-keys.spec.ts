/** Keys of maps that come and go with a snapshot: nobody brings one back, or takes one away, who may not set it. */
import { asRef, type Role } from '@xenplane/model';
import { openSession } from '@xenplane/xapi';
import { login, startWorld, type Call, type World } from '../world';

let world: World, root: Call, operator: Call;

/** Calls with a session of this role. */
async function as(role: Role): Promise<Call> {
  const { plane } = world.apis[0] ?? fail('there is no API');
  const token = await openSession(plane, {
    user: role,
    root: false,
    role,
    originator: 'test',
    userRef: asRef('OpaqueRef:NULL'),
  });
  return async <T>(method: string, ...params: unknown[]): Promise<T> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [token, ...params] });
    const answer = (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as {
      result: T;
      error?: { message: string; data: string[] };
    };
    if (answer.error) throw new Error([answer.error.message, ...answer.error.data].join(' '));
    return answer.result;
  };
}
function fail(why: string): never {
  throw new Error(why);
}

beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  root = await login(world.url);
  operator = await as('pool-operator');
});
afterAll(() => world?.stop());

async function makeVm(): Promise<string> {
  const [template] = await root<string[]>('VM.get_by_name_label', 'Other install media');
  const vm = await root<string>('VM.clone', template, 'with keys');
  await root('VM.provision', vm);
  return vm;
}

test.each([
  ['other_config', 'pci'],
  ['other_config', 'is_system_domain'],
  ['platform', 'hvm_serial'],
])('%s:%s of a VM', async (field, key) => {
  const vm = await makeVm();
  await root(`VM.add_to_${field}`, vm, key, 'x');
  const tainted = await operator<string>('VM.snapshot', vm, 'with it', []);
  await root(`VM.remove_from_${field}`, vm, key);
  const clean = await operator<string>('VM.snapshot', vm, 'without it', []);
  await expect(operator('VM.revert', tainted)).rejects.toThrow(`RBAC_PERMISSION_DENIED vm.revert/key:${key}`);
  await expect(operator('VM.clone', tainted, 'copy')).rejects.toThrow(
    `RBAC_PERMISSION_DENIED vm.clone/key:${key}`,
  );
  await operator('VM.revert', clean);
  await root('VM.revert', tainted);
  expect(await root(`VM.get_${field}`, vm)).toMatchObject({ [key]: 'x' });
  await expect(operator('VM.revert', clean)).rejects.toThrow(`RBAC_PERMISSION_DENIED vm.revert/key:${key}`);
  await operator('VM.revert', tainted);
  await root('VM.destroy', vm);
  await expect(operator('VM.revert', tainted)).rejects.toThrow(`RBAC_PERMISSION_DENIED vm.revert/key:${key}`);
});

test('those of its devices', async () => {
  const vm = await makeVm();
  const drive = {
    VM: vm,
    VDI: 'OpaqueRef:NULL',
    userdevice: '3',
    bootable: false,
    mode: 'RO',
    type: 'CD',
    unpluggable: true,
    empty: true,
  };
  const rest = { qos_algorithm_type: '', qos_algorithm_params: {}, other_config: { 'backend-local': 'x' } };
  await root('VBD.create', { ...drive, ...rest });
  const tainted = await operator<string>('VM.snapshot', vm, 'with it', []);
  await operator('VM.revert', tainted);
  for (const one of await root<string[]>('VM.get_VBDs', vm)) await root('VBD.destroy', one);
  await expect(operator('VM.revert', tainted)).rejects.toThrow(
    'RBAC_PERMISSION_DENIED vm.revert/key:backend-local',
  );
  await root('VM.revert', tainted);
});

/** The database of a pool goes out and comes back: what was set is set again, what is bad changes nothing. */
import { thinXe, type ThinRun } from '../thin-client';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let token: string;
let pool: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', password],
  });
  token = (
    (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
  ).result;
  [pool = ''] = await call<string[]>('pool.get_all');
});
afterAll(() => world?.stop());

const xe = (files: Map<string, Buffer>, ...words: string[]): Promise<ThinRun> =>
  thinXe({ port: Number(new URL(world.url).port), password, files }, ...words);
const dump = async (): Promise<string> =>
  (await fetch(`${world.url}/pool/xmldbdump?session_id=${token}`)).text();
async function restore(text: string, query = ''): Promise<string[]> {
  const task = await call<string>('task.create', 'restore', '');
  await fetch(`${world.url}/pool/xmldbdump?session_id=${token}&task_id=${task}${query}`, {
    method: 'PUT',
    body: text,
  }).catch(() => undefined);
  await eventually(async () => expect(await call('task.get_status', task)).not.toBe('pending'));
  return call<string[]>('task.get_error_info', task);
}
async function newVm(name: string): Promise<string> {
  const templates =
    await call<Record<string, { is_default_template: boolean; VBDs: string[] }>>('VM.get_all_records');
  const [template] = Object.entries(templates).find(([, t]) => t.is_default_template) ?? [''];
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.set_is_a_template', vm, false);
  const [network] = await call<string[]>('network.get_all');
  await call('VIF.create', {
    device: '0',
    network,
    VM: vm,
    MAC: '',
    MTU: 1500,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  return vm;
}
/** The part of the database that must not change; sessions and tasks come and go. */
const settled = async (): Promise<string> =>
  JSON.stringify(
    await Promise.all(
      ['VM', 'VBD', 'VIF', 'network', 'host', 'pool', 'VDI', 'SR'].map((cls) =>
        call(`${cls}.get_all_records`),
      ),
    ),
  );

test('xe dumps and restores: changes are undone, what was destroyed is there again, what is new is gone; events say so', async () => {
  const files = new Map<string, Buffer>();
  const kept = await newVm('it\'s \\ <"kept"> & (so)');
  await call('VM.set_other_config', kept, { "a'b": 'x\ny', '(': ')' });
  await call('VM.set_tags', kept, ["t'1", 'two words']);
  const before = await call<Record<string, unknown>>('VM.get_record', kept);
  const vifs = await call('VIF.get_all_records');
  expect(await xe(files, 'pool-dump-database', 'file-name=db.xml')).toMatchObject({ code: 0, error: '' });
  await call('VM.destroy', kept);
  const added = await newVm('added');
  await call('pool.set_name_label', pool, 'renamed');
  const { token: since } = await call<{ token: string }>('event.from', ['vm', 'pool'], '', 5);
  const present = await settled();
  expect(await xe(files, 'pool-restore-database', 'file-name=db.xml', '--dry-run')).toMatchObject({
    code: 0,
    error: '',
  });
  expect(await settled()).toBe(present);
  expect(await xe(files, 'pool-restore-database', 'file-name=db.xml', '--force')).toMatchObject({
    code: 0,
    error: '',
  });
  expect(await call('VM.get_record', kept)).toEqual(before);
  expect(await call('VIF.get_all_records')).toEqual(vifs);
  await expect(call('VM.get_record', added)).rejects.toThrow('HANDLE_INVALID');
  expect(await call('pool.get_name_label', pool)).toBe('xenplane');
  const { events } = await call<{ events: { ref: string; operation: string }[] }>(
    'event.from',
    ['vm', 'pool'],
    since,
    5,
  );
  const told = events.map(({ ref, operation }) => `${operation} ${ref}`);
  expect(told).toEqual(expect.arrayContaining([`add ${kept}`, `del ${added}`, `mod ${pool}`]));
});

test('a VM that runs stays as it runs, with its settings brought back', async () => {
  const vm = await newVm('runs');
  const text = await dump();
  await call('VM.start', vm, false, false);
  await call('VM.set_name_label', vm, 'renamed');
  expect(await restore(text)).toEqual([]);
  expect(await call('VM.get_record', vm)).toMatchObject({ name_label: 'runs', power_state: 'Running' });
  const without = await newVm('made since');
  await call('VM.start', without, false, false);
  expect(await restore(text)).toEqual(['VM_BAD_POWER_STATE', without, 'halted', 'running']);
  await call('VM.hard_shutdown', without);
  await call('VM.hard_shutdown', vm);
});

test('a file that is bad anywhere changes nothing', async () => {
  const text = await dump();
  await call('pool.set_name_label', pool, 'not touched');
  const present = await settled();
  const tries: readonly [string, string][] = [
    [
      text.replace('key="schema_major_vsn" value="5"', 'key="schema_major_vsn" value="4"'),
      'RESTORE_INCOMPATIBLE_VERSION',
    ],
    [text.replace('<manifest>', '').replace(/<pair[^>]*>/g, ''), 'RESTORE_INCOMPATIBLE_VERSION'],
    [text.replace('<table name="VIF">', '<table name="Nonsense">'), 'RESTORE_INCOMPATIBLE_VERSION'],
    [text.replace(' power_state="Halted"', ' power_state="Sleeping"'), 'RESTORE_INCOMPATIBLE_VERSION'],
    [text.replace(' VCPUs_max="', ' more="" VCPUs_max="'), 'RESTORE_INCOMPATIBLE_VERSION'],
    [text.replace(/ VCPUs_max="\d+"/, ' VCPUs_max="many"'), 'RESTORE_SCRIPT_FAILED'],
    [text.slice(0, -40), 'RESTORE_SCRIPT_FAILED'],
    [
      text.replace(/<row ref="[^"]*"(?=[^>]* is_tools_iso=)/, '<row ref="OpaqueRef:gone"'),
      'RESTORE_SCRIPT_FAILED',
    ],
    [text.replace(/<table name="network">.*?<\/table>/s, ''), 'RESTORE_SCRIPT_FAILED'],
    [
      text.replace(/(<row ref="[^"]*")(?=[^>]* is_control_domain="true")/, '$1 more="x"'),
      'RESTORE_INCOMPATIBLE_VERSION',
    ],
    ['', 'RESTORE_INCOMPATIBLE_VERSION'],
    ['just words', 'RESTORE_SCRIPT_FAILED'],
  ];
  for (const [bad, code] of tries) {
    expect(bad === text).toBe(false);
    expect((await restore(bad))[0]).toBe(code);
  }
  expect(await settled()).toBe(present);
});

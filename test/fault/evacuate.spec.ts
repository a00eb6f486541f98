/** The scheduler is killed in the middle of an evacuation: another one ends it, and every guest runs on, once. */
import { complaints } from '@xenplane/testing';
import { Store } from '@xenplane/store';
import { eventually, login, type Call } from '../world';
import { startProcesses } from './processes';

const count = 20;
let processes: Awaited<ReturnType<typeof startProcesses>>;
let call: Call;
let store: Store;

beforeEach(async () => {
  processes = await startProcesses({ hosts: 3, vms: count, speed: 2 });
  call = await login(processes.url);
  store = await Store.connect({ url: processes.databaseUrl, connections: 2 });
});
afterEach(async () => {
  await store?.close();
  await processes?.stop();
});

/** The domains that agents hold: VM and host of each. */
async function domains(): Promise<{ vm: string; host: string; state: string }[]> {
  const hosts = await store.query<{ uuid: string; agent_url: string; command_key: string }>(
    'SELECT uuid, agent_url, command_key FROM host_run',
  );
  const lists = await Promise.all(
    hosts.map(async ({ uuid, agent_url, command_key }) => {
      const response = await fetch(`${agent_url}/hosts/${uuid}/vms`, {
        headers: { authorization: `Bearer ${command_key}` },
      });
      return ((await response.json()) as { vm: string; state: string }[]).map((d) => ({ ...d, host: uuid }));
    }),
  );
  return lists.flat();
}

test('kill -9 of the scheduler while twenty guests run: the host is emptied, no guest is lost or doubled', async () => {
  const records =
    await call<Record<string, { is_a_template: boolean; is_control_domain: boolean; uuid: string }>>(
      'VM.get_all_records',
    );
  const vms = Object.entries(records).filter(([, vm]) => !vm.is_a_template && !vm.is_control_domain);
  await Promise.all(vms.map(([vm]) => call('VM.start', vm, false, false)));
  const [host = ''] = await call<string[]>('host.get_all');
  const uuid = await call<string>('host.get_uuid', host);
  await eventually(async () => expect(await call('host.get_vms_which_prevent_evacuation', host)).toEqual({}));
  const before = (await domains()).filter((d) => d.host === uuid).length;
  expect(before).toBeGreaterThan(4);
  await call('host.disable', host);
  const task = await call<string>('Async.host.evacuate', host, 'OpaqueRef:NULL', 2);
  await eventually(async () =>
    expect((await domains()).filter((d) => d.host === uuid).length).toBeLessThan(before),
  );
  await processes.kill(processes.scheduler);
  processes.start('scheduler');
  await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
  await eventually(async () => expect(await complaints(store)).toEqual([]));
  const held = await domains();
  expect(held.filter((d) => d.host === uuid)).toEqual([]);
  expect(held.map((d) => d.vm).sort()).toEqual(vms.map(([, vm]) => vm.uuid).sort());
  expect(new Set(held.map((d) => d.state))).toEqual(new Set(['running']));
});

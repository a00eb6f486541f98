/** Disks and interfaces of a VM while it is started: they are busy with being attached, as at a real host. */
import { Kit } from '../derived/kit';

interface Device {
  readonly current_operations: Record<string, string>;
  readonly allowed_operations: string[];
}
let kit: Kit;
let vm: string;
let devices: [string, string][];
beforeAll(async () => {
  kit = await Kit.start(1);
  const { call } = kit;
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  vm = await call<string>('VM.clone', template, 'busy');
  await call('VM.provision', vm);
  const [network] = await call<string[]>('network.get_by_name_label', 'Pool-wide network associated with eth0');
  await call('VIF.create', { device: '4', network, VM: vm, MAC: '', MTU: 1500, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} });
  devices = [
    ...(await call<string[]>('VM.get_VBDs', vm)).map((ref): [string, string] => ['VBD', ref]),
    ...(await call<string[]>('VM.get_VIFs', vm)).map((ref): [string, string] => ['VIF', ref]),
  ];
});
afterAll(() => kit?.stop());

const shown = (): Promise<Device[]> => Promise.all(devices.map(([cls, ref]) => kit.call<Device>(`${cls}.get_record`, ref)));
const operations = async (): Promise<object[]> => (await shown()).map((d) => d.current_operations);
const none = (): object[] => devices.map(() => ({}));

test.each<[string, () => unknown[]]>([
  ['VM.start', () => [vm, false, false]],
  ['VM.hard_reboot', () => [vm]],
])('%s', async (method, params) => {
  expect(new Set(devices.map(([cls]) => cls))).toEqual(new Set(['VBD', 'VIF']));
  expect(await operations()).toEqual(none());
  const task = await kit.accept(method, params());
  expect(await operations()).toEqual(devices.map(() => ({ [task]: 'attach' })));
  for (const { allowed_operations } of await shown()) expect(allowed_operations).not.toContain('plug');
  const [[, vbd] = []] = devices;
  await expect(kit.call('VBD.assert_attachable', vbd)).rejects.toThrow(`OTHER_OPERATION_IN_PROGRESS VBD ${vbd} attach ${task}`);
  await kit.work(task);
  expect(await kit.call('task.get_status', task)).toBe('success');
  expect(await operations()).toEqual(none());
});

test('a start that is refused leaves nothing busy', async () => {
  await kit.work(await kit.accept('VM.hard_shutdown', [vm]));
  const [host] = await kit.call<string[]>('host.get_all');
  const task = await kit.accept('VM.start', [vm, false, false]);
  expect(await operations()).toEqual(devices.map(() => ({ [task]: 'attach' })));
  await kit.call('host.disable', host, true);
  await kit.work(task);
  expect(await kit.call('task.get_status', task)).toBe('failure');
  expect(await operations()).toEqual(none());
});

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
  const [network] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  await call('VIF.create', {
    device: '4',
    network,
    VM: vm,
    MAC: '',
    MTU: 1500,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  devices = [
    ...(await call<string[]>('VM.get_VBDs', vm)).map((ref): [string, string] => ['VBD', ref]),
    ...(await call<string[]>('VM.get_VIFs', vm)).map((ref): [string, string] => ['VIF', ref]),
  ];
});
afterAll(() => kit?.stop());

const shown = (): Promise<Device[]> =>
  Promise.all(devices.map(([cls, ref]) => kit.call<Device>(`${cls}.get_record`, ref)));
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
  await expect(kit.call('VBD.assert_attachable', vbd)).rejects.toThrow(
    `OTHER_OPERATION_IN_PROGRESS VBD ${vbd} attach ${task}`,
  );
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

describe('a copy into a disk', () => {
  const noDisk = 'OpaqueRef:NULL';
  let source: string, into: string;
  beforeAll(async () => {
    const [disk = ''] = await kit.call<string[]>('VM.get_VBDs', vm);
    into = await kit.call<string>('VBD.get_VDI', disk);
    const { SR, virtual_size } = await kit.call<{ SR: string; virtual_size: number }>('VDI.get_record', into);
    source = await kit.call<string>('VDI.create', {
      name_label: 's',
      SR,
      virtual_size: Math.min(virtual_size, 2 ** 20),
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
    await kit.call('host.enable', (await kit.call<string[]>('host.get_all'))[0]);
    const [vdi] = await kit.call<string[]>('VM.get_VBDs', vm);
    await kit.call('VDI.set_on_boot', await kit.call('VBD.get_VDI', vdi), 'persist').catch(() => undefined);
  });
  const busy = (): Promise<unknown[]> =>
    Promise.all([source, into].map((vdi) => kit.call('VDI.get_current_operations', vdi)));

  test('keeps both disks busy until it is done', async () => {
    const task = await kit.accept('VDI.copy', [source, noDisk, noDisk, into]);
    expect(await busy()).toEqual([{ [task]: 'copy' }, { [task]: 'copy' }]);
    const other = `OTHER_OPERATION_IN_PROGRESS VDI ${into} copy ${task}`;
    await expect(kit.call('VDI.destroy', into)).rejects.toThrow(other);
    await expect(kit.call('VM.start', vm, false, false)).rejects.toThrow(`VDI_IN_USE ${into}`);
    await kit.work(task);
    expect([await kit.call('task.get_status', task), await busy()]).toEqual(['success', [{}, {}]]);
  });

  test('is refused when a VM that has the disk has begun to start before it', async () => {
    const start = await kit.accept('VM.start', [vm, false, false]);
    const copy = await kit.accept('VDI.copy', [source, noDisk, noDisk, into]);
    expect(await busy()).toEqual([{}, {}]);
    await kit.work(start);
    await kit.work(copy);
    expect(await kit.call('task.get_error_info', copy)).toEqual(['VDI_IN_USE', into, 'copy']);
    expect([await kit.call('VM.get_power_state', vm), await busy()]).toEqual(['Running', [{}, {}]]);
  });
});

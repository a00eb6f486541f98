/** The hypervisor has the disks of a guest by their addresses: it gets and gives back exactly those that are plugged and unplugged. */
import { simulated } from '@xenplane/hypervisor';
import { attachment, login, startWorld, untilGuestSpeaks, type Call, type World } from '../world';

/** Counts what it is asked. */
class CountingXen extends simulated.SimulatedXen {
  readonly asked: string[] = [];
  override async attach(...args: Parameters<simulated.SimulatedXen['attach']>): Promise<void> {
    this.asked.push(`attach ${args[2].device}`);
    return super.attach(...args);
  }
  override async detach(...args: Parameters<simulated.SimulatedXen['detach']>): Promise<void> {
    this.asked.push('detach');
    return super.detach(...args);
  }
}

let world: World;
let call: Call;
let xen: CountingXen;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, hypervisor: (options) => (xen = new CountingXen(options)) });
  call = await login(world.url);
});
afterAll(() => world?.stop());

test('what is plugged is attached at its address, what is unplugged detached, and nothing else is touched', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'with disks');
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  await untilGuestSpeaks(call, vm);
  const [host = ''] = await xen.hosts();
  const shown = async (): Promise<(string | undefined)[]> =>
    ((await xen.list(host))[0]?.blocks ?? []).map(({ device, address }) => `${device} ${address}`).sort();
  const first = await shown();
  expect(first.length).toBeGreaterThan(0);
  for (const one of first) expect(one).toMatch(/^xvd[a-z] (file:\/\/\/.*\.qcow2|volume:.+\/.+|undefined)$/);
  expect(xen.asked).toEqual([]);

  const sr = (await call<string[]>('SR.get_by_name_label', 'Local storage'))[0];
  const disk = await call<string>('VDI.create', {
    ...{ name_label: 'more', name_description: '', SR: sr, virtual_size: String(2 ** 30), type: 'user' },
    ...{ sharable: false, read_only: false, other_config: {}, xenstore_data: {}, sm_config: {}, tags: [] },
  });
  const vbd = await call<string>('VBD.create', attachment(vm, disk, '5'));
  await call('VBD.plug', vbd);
  const plugged = await shown();
  expect(plugged.filter((one) => !first.includes(one))).toEqual([
    expect.stringMatching(new RegExp(`^xvdf volume:.+/${await call<string>('VDI.get_uuid', disk)}$`)),
  ]);
  await call('VM.pause', vm);
  await call('VM.unpause', vm);
  await call('VM.set_VCPUs_number_live', vm, 1);
  expect(xen.asked).toEqual(['attach xvdf']);
  await call('VBD.unplug', vbd);
  expect(await shown()).toEqual(first);
  expect(xen.asked).toEqual(['attach xvdf', 'detach']);
});

/** An answer of one API holds in what another answers next, and where VMs are placed next. */
import { attachment, login, startWorld, type Call, type World } from '../world';

let world: World;
let one: Call, other: Call;
let hosts: string[];
beforeAll(async () => {
  world = await startWorld({ hosts: 3, apis: 2 });
  [one, other] = (await Promise.all(world.apis.map((api) => login(api.url)))) as [Call, Call];
  hosts = (await one<string[]>('host.get_all')).toSorted();
});
afterAll(() => world?.stop());

async function newVm(name: string): Promise<string> {
  const [template] = await one<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await one<string>('VM.clone', template, name);
  await one('VM.provision', vm);
  return vm;
}
const possible = async (call: Call, vm: string): Promise<string[]> =>
  (await call<string[]>('VM.get_possible_hosts', vm)).toSorted();

test('a host that is disabled is no possible host of the next answer, one that is enabled is', async () => {
  const vm = await newVm('possible');
  for (let i = 0; i < 12; i += 1) {
    const host = hosts[i % hosts.length],
      [first, second] = i % 2 === 0 ? [one, other] : [other, one];
    await first('host.disable', host);
    expect(await possible(second, vm)).toEqual(hosts.filter((h) => h !== host));
    await second('host.enable', host);
    expect(await possible(first, vm)).toEqual(hosts);
  }
  await one('VM.destroy', vm);
});

test('a VM is placed by what was answered before: on the one host that has just been enabled', async () => {
  const vm = await newVm('placed');
  for (const host of hosts) await one('host.disable', host);
  for (let i = 0; i < 6; i += 1) {
    const host = hosts[i % hosts.length];
    await one('host.enable', host);
    await other('VM.start', vm, false, false);
    expect(await other('VM.get_resident_on', vm)).toBe(host);
    await other('VM.hard_shutdown', vm);
    await one('host.disable', host);
  }
  await expect(other('VM.start', vm, false, false)).rejects.toThrow('NO_HOSTS_AVAILABLE');
  for (const host of hosts) await one('host.enable', host);
  await one('VM.destroy', vm);
});

test('a VM is not placed where its storage has just been unplugged', async () => {
  const sr = await one<string>(
    'SR.create',
    hosts[0],
    { server: 'filer', serverpath: '/export/moving' },
    0,
    'moving',
    '',
    'nfs',
    'user',
    true,
    {},
  );
  const disk = {
    name_label: 'moving',
    SR: sr,
    virtual_size: 2 ** 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  };
  const vm = await newVm('follows');
  await one('VBD.create', attachment(vm, await one<string>('VDI.create', disk)));
  const pbds = await one<Record<string, { SR: string; host: string }>>('PBD.get_all_records');
  const own = Object.entries(pbds).filter(([, pbd]) => pbd.SR === sr);
  for (let i = 0; i < 6; i += 1) {
    const kept = own[i % own.length];
    for (const pbd of own) await one(pbd === kept ? 'PBD.plug' : 'PBD.unplug', pbd[0]);
    await other('VM.start', vm, false, false);
    expect(await other('VM.get_resident_on', vm)).toBe(kept?.[1].host);
    await other('VM.hard_shutdown', vm);
  }
});

test('a session that was ended by one API reads nothing from the other', async () => {
  const post = async (
    url: string,
    method: string,
    ...params: unknown[]
  ): Promise<{ result?: string; error?: { message: string } }> =>
    (await (
      await fetch(`${url}/jsonrpc`, {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      })
    ).json()) as object;
  const [here, there] = world.apis.map((api) => api.url) as [string, string];
  for (let i = 0; i < 5; i += 1) {
    const { result: session } = await post(here, 'session.login_with_password', 'root', world.password);
    expect((await post(there, 'pool.get_all', session)).error).toBeUndefined();
    await post(here, 'session.logout', session);
    expect((await post(there, 'pool.get_all', session)).error?.message).toBe('SESSION_INVALID');
  }
});

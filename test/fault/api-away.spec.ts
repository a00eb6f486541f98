/** An API or the image server is away for a moment while starts are under way: agents ask again, or another API, and the starts succeed. */
import net from 'node:net';
import { livingApis } from '@xenplane/xapi';
import { strangerIn, type Stranger } from '../agents';
import { eventually, login, startWorld, type Call, type World } from '../world';

/** Stands between an agent and a server, and can be away. */
class Between {
  private readonly sockets = new Set<net.Socket>();
  private readonly server = net.createServer((socket) => this.carry(socket));
  private away = false;
  /** How many answers to requests for this path are still to be lost on the way back. */
  private losing: { path: string; left: number } = { path: '', left: 0 };

  constructor(private readonly target: URL) {}
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }
  leave(): void {
    this.away = true;
    for (const socket of this.sockets) socket.destroy();
  }
  comeBack(): void {
    this.away = false;
  }
  lose(path: string, answers: number): void {
    this.losing = { path, left: answers };
  }
  get lost(): boolean {
    return this.losing.left === 0;
  }
  close(): void {
    this.leave();
    this.server.close();
  }
  private carry(socket: net.Socket): void {
    if (this.away) return void socket.resetAndDestroy();
    const upstream = net.connect(Number(this.target.port), this.target.hostname);
    let dropped = false;
    for (const one of [socket, upstream]) {
      this.sockets.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => [this.sockets.delete(one), socket.destroy(), upstream.destroy()]);
    }
    socket.on('data', (bytes) => {
      if (this.losing.left > 0 && bytes.toString('latin1').includes(this.losing.path)) {
        this.losing.left -= 1;
        dropped = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => (dropped ? socket.destroy() : socket.write(bytes)));
  }
}

let world: World;
let call: Call;
let api: Between;
let images: Between;
let stranger: Stranger;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, apis: 2 });
  // Calls of clients go to the other API.
  call = await login(world.apis[1]?.url ?? '');
});
afterAll(() => world?.stop());

let seed = 40;
/** Each test has an agent that was given one API, and that one only by a way that can be cut. */
beforeEach(async () => {
  api = new Between(new URL(world.url));
  images = new Between(new URL(world.imagesUrl));
  stranger = await strangerIn(world, call, (seed += 1), {
    apiUrl: await api.listen(),
    imagesUrl: await images.listen(),
  });
});
afterEach(async () => {
  await stranger?.agent.stop();
  api.close();
  images.close();
});

async function newVm(template: string): Promise<string> {
  const found = await eventually(async () => {
    const [one] = await call<string[]>('VM.get_by_name_label', template);
    return one ?? Promise.reject(new Error(`no template ${template} yet`));
  });
  const vm = await call<string>('VM.clone', found, 'started meanwhile');
  await call('VM.provision', vm);
  return vm;
}
const start = async (vm: string): Promise<string> =>
  call<string>('Async.VM.start_on', vm, stranger.host, false, false);
const runOf = async (vm: string): Promise<{ state: string; lease_seq: number } | undefined> => {
  const rows = await world.apis[1]?.plane.store.query<{ state: string; lease_seq: number }>(
    'SELECT r.state, h.lease_seq FROM vm_run r JOIN host_lease h ON h.host = r.host WHERE r.vm = $1',
    [vm],
  );
  return rows?.[0];
};
async function succeeded(task: string, vm: string): Promise<void> {
  await eventually(async () => expect(await call('task.get_status', task)).not.toBe('pending'));
  expect([await call('task.get_status', task), await call('task.get_error_info', task)]).toEqual([
    'success',
    [],
  ]);
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  const uuid = await call('VM.get_uuid', vm);
  const domains = await stranger.agent.hypervisor.list(stranger.uuid);
  expect(domains.filter((d) => d.vm === uuid)).toHaveLength(1);
  await call('VM.hard_shutdown', vm);
}

test('the answer to a claim is lost: it is asked for again with the same nonce', async () => {
  const vm = await newVm('Debian Bookworm 12');
  api.lose('/agent/v1/claims', 1);
  const task = await start(vm);
  await eventually(async () => expect(api.lost).toBe(true));
  await succeeded(task, vm);
});

test('the image server is away when a disk is to be made', async () => {
  const vm = await newVm('Xenplane demo disk');
  images.leave();
  const task = await start(vm);
  await eventually(async () => expect((await runOf(vm))?.state).toBe('C'));
  images.comeBack();
  await succeeded(task, vm);
});

test('the only API that the agent was given is away, and another lives', async () => {
  const [first] = world.apis;
  await eventually(async () => expect(first && livingApis(first.plane)).toHaveLength(2));
  const before = await newVm('Debian Bookworm 12');
  await succeeded(await start(before), before);
  api.leave();
  const vm = await newVm('Debian Bookworm 12');
  await succeeded(await start(vm), vm);
  const seen = (await runOf(vm))?.lease_seq ?? 0;
  // Its lease is renewed by way of the other too.
  await eventually(async () => expect((await runOf(vm))?.lease_seq).toBeGreaterThan(seen + 1));
});

/** A client that lives on events holds what the lists show, for every field of every class, whatever happens and whichever API it asks. */
import { isClassName, messages, storedClasses, type ClassName } from '@xenplane/model';
import type { Replica } from '@xenplane/store';
import { derivations } from '@xenplane/xapi';
import { attachment, eventually, login, startWorld, type Call, type World } from '../world';

type Loose = Readonly<Record<string, unknown>>;
type Records = Readonly<Record<string, Loose>>;
interface Event {
  readonly class: string;
  readonly operation: string;
  readonly ref: string;
  readonly snapshot: Loose;
}
interface Batch {
  readonly events: readonly Event[];
  readonly token: string;
}

/** These make no events, as in xapi. */
const silent: readonly string[] = ['session', 'secret', 'user', 'role'];
const classes = storedClasses
  .map((c) => c.name)
  .filter(
    (cls) =>
      !silent.includes(cls) && (messages.get(`${cls}.get_all_records`)?.state ?? 'removed') !== 'removed',
  );

let world: World;
let calls: readonly Call[];
let call: Call;
let place: Place;
beforeAll(async () => {
  world = await startWorld({ hosts: 3, apis: 2 });
  calls = await Promise.all(world.apis.map((api) => login(api.url)));
  call = (method, ...params) => (calls[0] as Call)(method, ...params);
  place = await furnish();
}, 180_000);
afterAll(() => world?.stop());

/** Knows only what events have said, asking one API after the other with the same token. */
class Follower {
  private readonly held = new Map<string, Loose>();
  private token = '';
  private turn = 0;

  private next(): Call {
    this.turn += 1;
    return calls[this.turn % calls.length] as Call;
  }
  async pull(api: Call = this.next()): Promise<ReadonlySet<string>> {
    const batch = await api<Batch>('event.from', ['*'], this.token, 0);
    for (const event of batch.events) {
      const key = `${event.class}/${event.ref}`;
      if (event.operation === 'del') this.held.delete(key);
      else this.held.set(key, event.snapshot);
    }
    this.token = batch.token;
    return new Set(batch.events.map((e) => `${e.class}/${e.ref}`));
  }
  /** Where the lists of this moment show something else, and no event says so either. */
  async differences(): Promise<string[]> {
    const api = this.next();
    await this.pull(api);
    const shown = new Map<string, Loose>();
    const lists = await Promise.all(
      classes.map(async (cls) => [cls, await api<Records>(`${cls}.get_all_records`)] as const),
    );
    for (const [cls, records] of lists)
      for (const [ref, record] of Object.entries(records)) shown.set(`${cls.toLowerCase()}/${ref}`, record);
    const moved = await this.pull(api);
    return [...new Set([...shown.keys(), ...this.held.keys()])].flatMap((key) =>
      moved.has(key) ? [] : differing(key, shown.get(key), this.held.get(key)),
    );
  }
}
/** Where consoles are reached has the port of the API that is asked; the APIs of this world have different ones. */
const withoutPort = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/^(https?:\/\/[^/]+):\d+\//, '$1/') : value;
const plain = (value: unknown): string =>
  JSON.stringify(Array.isArray(value) ? value.toSorted() : withoutPort(value));
function differing(key: string, shown: Loose | undefined, held: Loose | undefined): string[] {
  if (!shown || !held) return [`${key} is ${shown ? 'not held' : 'not shown'}`];
  return Object.keys(shown).flatMap((field) => {
    const [is, was] = [plain(shown[field]), plain(held[field])];
    return is === was ? [] : [`${key} ${field}: shown ${is}, held ${was}`];
  });
}
const agree = (follower: Follower): Promise<void> =>
  eventually(async () => expect(await follower.differences()).toEqual([]), 30_000);

/** A repeatable choice. */
class Dice {
  constructor(private state: number) {}

  below(n: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * n);
  }
  of<T>(values: readonly T[]): T | undefined {
    return values[this.below(values.length)];
  }
}

interface Place {
  readonly vms: readonly string[];
  readonly disks: readonly string[];
  readonly srs: readonly string[];
  readonly hosts: readonly string[];
  readonly network: string;
  readonly appliance: string;
  readonly pool: string;
}
const nic = (VM: string, network: string): object => ({
  VM,
  network,
  device: 'autodetect',
  MAC: '',
  MTU: 1500,
  other_config: {},
  qos_algorithm_type: '',
  qos_algorithm_params: {},
});
const disk = (SR: string, name_label: string): object => ({
  name_label,
  name_description: '',
  SR,
  virtual_size: 2 ** 24,
  type: 'user',
  sharable: false,
  read_only: false,
  other_config: {},
  xenstore_data: {},
  sm_config: {},
  tags: [],
});
async function furnish(): Promise<Place> {
  const hosts = await call<string[]>('host.get_all'),
    [pool = ''] = await call<string[]>('pool.get_all');
  const shared = await call<string>('pool.get_default_SR', pool);
  const thick = await call<string>(
    'SR.create',
    hosts[0],
    { device: '/dev/sdb' },
    0,
    'thick',
    '',
    'lvm',
    'user',
    false,
    {},
  );
  const nfs = await call<string>(
    'SR.create',
    hosts[0],
    { server: 'filer', serverpath: '/export/vms' },
    0,
    'share',
    '',
    'nfs',
    'user',
    true,
    {},
  );
  const srs = [shared, thick, nfs];
  const [demo] = await call<string[]>('VM.get_by_name_label', 'Xenplane demo disk'),
    [other] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const disks = await Promise.all(
    [...srs, ...srs].map((sr, i) => call<string>('VDI.create', disk(sr, `disk ${i}`))),
  );
  const vms = await Promise.all(
    [demo, demo, other, other].map((template, i) => call<string>('VM.clone', template, `vm ${i}`)),
  );
  for (const vm of vms) await call('VM.provision', vm);
  const network = await call<string>('network.create', { name_label: 'spare', other_config: {} });
  const appliance = await call<string>('VM_appliance.create', { name_label: 'group', name_description: '' });
  return { vms, disks, srs, hosts, network, appliance, pool };
}

type Deed = (place: Place, dice: Dice) => Promise<unknown>;
const onVm =
  (method: string, ...more: unknown[]): Deed =>
  ({ vms }, dice) =>
    call(`VM.${method}`, dice.of(vms), ...more);
const onOne =
  (cls: ClassName, method: string): Deed =>
  async (_place, dice) =>
    call(`${cls}.${method}`, dice.of((await call<string[]>(`${cls}.get_all`)).toSorted()));
const onDisk =
  (method: string, ...more: unknown[]): Deed =>
  ({ disks }, dice) =>
    call(`VDI.${method}`, dice.of(disks), ...more);
/** Of the repositories that only this test uses. */
const onPbd =
  (method: string): Deed =>
  async ({ srs }, dice) =>
    call(`PBD.${method}`, dice.of((await call<string[]>('SR.get_PBDs', srs[1 + dice.below(2)])).toSorted()));

const deeds: readonly Deed[] = [
  onVm('start', false, false),
  onVm('start', false, false),
  onVm('start', false, false),
  onVm('start', false, false),
  onVm('hard_shutdown'),
  onVm('hard_shutdown'),
  onVm('pause'),
  onVm('unpause'),
  onVm('suspend'),
  onVm('resume', false, false),
  onVm('hard_reboot'),
  onVm('snapshot', 'snap'),
  onVm('set_name_description', 'changed'),
  onVm('set_blocked_operations', { destroy: 'kept' }),
  onVm('set_blocked_operations', {}),
  ({ vms, appliance }, dice) =>
    call('VM.set_appliance', dice.of(vms), dice.of([appliance, 'OpaqueRef:NULL'])),
  ({ vms }, dice) => call('VM.set_HVM_boot_policy', dice.of(vms), dice.of(['', 'BIOS order'])),
  async ({ vms }, dice) => {
    const copy = await call<string>('VM.clone', dice.of(vms), 'copy');
    await call('VM.destroy', copy);
  },
  ({ vms, disks }, dice) => call('VBD.create', attachment(dice.of(vms) ?? '', dice.of(disks) ?? '')),
  ({ vms, disks }, dice) => call('VBD.create', attachment(dice.of(vms) ?? '', dice.of(disks) ?? '')),
  onOne('VBD', 'plug'),
  onOne('VBD', 'unplug'),
  onOne('VBD', 'destroy'),
  ({ vms, network }, dice) => call('VIF.create', nic(dice.of(vms) ?? '', network)),
  onOne('VIF', 'plug'),
  onOne('VIF', 'unplug'),
  onOne('VIF', 'destroy'),
  ({ vms }, dice) => call('VTPM.create', dice.of(vms), false),
  onOne('VTPM', 'destroy'),
  onDisk('snapshot', {}),
  onDisk('set_on_boot', 'reset'),
  onDisk('set_on_boot', 'persist'),
  onDisk('resize', 2 ** 25),
  onDisk('set_sharable', true),
  onDisk('set_sharable', false),
  async ({ srs }, dice) => call('VDI.destroy', await call('VDI.create', disk(dice.of(srs) ?? '', 'passing'))),
  onPbd('plug'),
  onPbd('unplug'),
  ({ srs }) => call('SR.set_sm_config', srs[2], { allocation: 'thick' }),
  ({ srs }) => call('SR.set_sm_config', srs[2], {}),
  ({ hosts }, dice) => call('host.disable', dice.of(hosts)),
  ({ hosts }, dice) => call('host.enable', dice.of(hosts)),
  ({ hosts }, dice) => call('host.enable', dice.of(hosts)),
  ({ appliance }) => call('VM_appliance.start', appliance, false),
  ({ appliance }) => call('VM_appliance.hard_shutdown', appliance),
  ({ pool }, dice) => call('pool.set_name_label', pool, `pool ${dice.below(9)}`),
  ({ srs }) => call('pool.enable_ha', [srs[0]], {}),
  () => call('pool.disable_ha'),
];

/** Several at a time, so that their transactions come in together; many are refused, which is as good. */
async function mess(place: Place, dice: Dice): Promise<number> {
  const done = await Promise.allSettled(
    Array.from({ length: 1 + dice.below(4) }, () => (dice.of(deeds) as Deed)(place, dice)),
  );
  return done.filter((d) => d.status === 'fulfilled').length;
}

/** Fields of other objects that the rules read when the derived fields of all objects are computed, as `class.field looked at by class`. */
function looksOf(replica: Replica): Set<string> {
  const seen = new Set<string>();
  for (const [cls, { derive }] of Object.entries(derivations)) {
    if (!derive || !isClassName(cls)) continue;
    for (const own of replica.refs(cls)) {
      const stored = (at: ClassName, ref: string): unknown => {
        const row = replica.stored(at, ref);
        if (!row || ref === String(own)) return row;
        return new Proxy(row, {
          get(target, field, receiver) {
            if (!isLooked(replica, { at, ref, field: String(field) }, cls, String(own)))
              seen.add(`${at}.${String(field)} by ${cls}`);
            return Reflect.get(target, field, receiver);
          },
        });
      };
      const view = new Proxy(replica, {
        get(target, name) {
          const value: unknown = name === 'stored' ? stored : Reflect.get(target, name, target);
          return typeof value === 'function' && name !== 'stored' ? value.bind(target) : value;
        },
      });
      derive(replica.record(cls, own) ?? {}, own, view);
    }
  }
  return seen;
}
/** References that only lead on to another object are not looked at themselves: where they change, both ends do. */
const leading: readonly string[] = ['VM', 'VDI', 'SR', 'network'];
function isLooked(
  replica: Replica,
  { at, ref, field }: { at: ClassName; ref: string; field: string },
  cls: string,
  own: string,
): boolean {
  if (leading.includes(field)) return true;
  const looks = derivations[at]?.looks ?? [];
  return looks.some(
    (look) =>
      look.fields.includes(field) &&
      look.by(replica.stored(at, ref) ?? {}, ref, replica).some(([to, by]) => to === cls && by === own),
  );
}

test.each([3, 29])(
  'whatever is done to the pool, events leave nothing out (seed %i)',
  async (seed) => {
    const follower = new Follower(),
      dice = new Dice(seed);
    await follower.pull();
    const unnamed = new Set<string>();
    let done = 0;
    for (let round = 0; round < 60; round += 1) {
      done += await mess(place, dice);
      if (round % 3 === 0) await follower.pull();
      for (const { plane } of world.apis.slice(0, 1))
        for (const one of looksOf(plane.replica)) unnamed.add(one);
      if (round % 5 === 4) await agree(follower);
    }
    await agree(follower);
    expect([...unnamed]).toEqual([]);
    expect(done).toBeGreaterThan(30);
    const late = new Follower();
    await agree(late);
  },
  600_000,
);

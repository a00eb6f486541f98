/** A pool as Xen Orchestra holds it: npm's xen-api, its cache kept by events, and on top what @xen-orchestra/xapi does with both. */
import { createClient, type Xapi } from 'xen-api';
import { eventually, password } from '../world';

export const none = 'OpaqueRef:NULL';
export const MiB = 2 ** 20;
export const GiB = 2 ** 30;
export type Fields = Readonly<Record<string, unknown>>;
export type Texts = Readonly<Record<string, string>>;

/** A record of the cache, with the members that the chains read; which of them it has is a matter of its class. */
export interface Seen extends Fields {
  readonly $ref: string;
  readonly $id: string;
  readonly $type: string;
  readonly uuid: string;
  readonly name_label: string;
  readonly name_description: string;
  readonly power_state: string;
  readonly is_a_template: boolean;
  readonly is_a_snapshot: boolean;
  readonly is_control_domain: boolean;
  readonly is_default_template: boolean;
  readonly currently_attached: boolean;
  readonly shared: boolean;
  readonly enabled: boolean;
  readonly live: boolean;
  readonly physical: boolean;
  readonly other_config: Texts;
  readonly platform: Texts;
  readonly HVM_boot_params: Texts;
  readonly blocked_operations: Texts;
  readonly allowed_operations: string[];
  readonly current_operations: Texts;
  readonly type: string;
  readonly userdevice: string;
  readonly device: string;
  readonly content_type: string;
  readonly MAC: string;
  readonly VLAN: number;
  readonly virtual_size: number;
  readonly VCPUs_at_startup: number;
  readonly memory_static_min: number;
  readonly memory_static_max: number;
  readonly memory_dynamic_max: number;
  readonly VM: string;
  readonly VDI: string;
  readonly SR: string;
  readonly host: string;
  readonly network: string;
  readonly metrics: string;
  readonly guest_metrics: string;
  readonly snapshot_of: string;
  readonly suspend_VDI: string;
  readonly resident_on: string;
  readonly master: string;
  readonly default_SR: string;
  readonly tags: string[];
  readonly VBDs: string[];
  readonly VIFs: string[];
  readonly PBDs: string[];
  readonly PIFs: string[];
  readonly snapshots: string[];
}

/** The code and the parameters under which a call failed, as the client shows them. */
export interface Failure {
  readonly code: string;
  readonly params: string[];
}

export class Orchestra {
  private constructor(readonly xapi: Xapi) {}

  /** xo-server connects without events first; it listens only when all of its listeners are there. */
  static async register(url: string): Promise<Orchestra> {
    const options = {
      url,
      auth: { user: 'root', password },
      allowUnauthorized: true,
      watchEvents: false,
      debounce: 20,
      eventPollDelay: 20,
    };
    const xapi = createClient(options);
    await xapi.connect();
    xapi.watchEvents();
    await xapi.objectsFetched;
    return new Orchestra(xapi);
  }

  call<T = string>(method: string, ...params: unknown[]): Promise<T> {
    return this.xapi.call(method, ...params) as Promise<T>;
  }
  task<T = string>(method: string, ...params: unknown[]): Promise<T> {
    return this.xapi.callAsync(method, ...params) as Promise<T>;
  }
  async refused(method: string, ...params: unknown[]): Promise<Failure> {
    return this.call(method, ...params).then(
      (value) => ({ code: `answered ${value}`, params: [] }),
      ({ code, params }: Failure) => ({ code, params }),
    );
  }

  get pool(): Seen {
    return this.xapi.pool as Seen;
  }
  all(type: string): Seen[] {
    return Object.values(this.xapi.objects.all as Record<string, Seen>).filter(({ $type }) => $type === type);
  }
  one(ref: string): Seen {
    return this.xapi.getObject(ref) as Seen;
  }
  find(type: string, check: (one: Seen) => boolean): Seen {
    const found = this.all(type).find(check);
    if (!found) throw new Error(`no ${type} of this kind`);
    return found;
  }
  template(name: string): Seen {
    return this.find('VM', ({ is_a_template, name_label }) => is_a_template && name_label === name);
  }
  /** The object as events bring it, when they have brought what is waited for. */
  sees(ref: string, check: (one: Seen) => boolean = () => true): Promise<Seen> {
    return eventually(async () => {
      const one = this.one(ref);
      if (!check(one)) throw new Error(`${one.$type} ${ref} is not so: ${JSON.stringify(one)}`);
      return one;
    });
  }
  /** Operations that a guest must take part in can be asked for once it has booted. */
  allows(ref: string, operation: string): Promise<Seen> {
    return this.sees(ref, ({ allowed_operations }) => (allowed_operations as string[]).includes(operation));
  }
  /** The object after all that was written before. */
  barrier(ref: string): Promise<Seen> {
    return this.xapi.barrier(ref) as Promise<Seen>;
  }
  field<T = string>(type: string, ref: string, name: string): Promise<T> {
    return this.xapi.getField(type, ref, name) as Promise<T>;
  }
  /** Entries of a map; nothing takes one away. */
  update(
    { $type, $ref }: Pick<Seen, '$type' | '$ref'>,
    field: string,
    entries: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    return this.xapi.setFieldEntries($type, $ref, field, entries);
  }

  createVdi(SR: string, virtual_size: number, more: Fields = {}): Promise<string> {
    return this.call('VDI.create', {
      other_config: {},
      read_only: false,
      sharable: false,
      type: 'user',
      SR,
      virtual_size,
      ...more,
    });
  }
  /** The third place is kept for CDs; a running VM gets its device at once. */
  async createVbd({
    VM,
    VDI = none,
    type = 'Disk',
    ...more
  }: Fields & { readonly VM: string; readonly VDI?: string; readonly type?: string }): Promise<string> {
    const allowed = await this.call<string[]>('VM.get_allowed_VBD_devices', VM);
    const place =
      type === 'CD' ? (allowed.includes('3') ? '3' : allowed[0]) : allowed.find((device) => device !== '3');
    const vbd = await this.call('VBD.create', {
      bootable: false,
      empty: VDI === none,
      mode: type === 'CD' ? 'RO' : 'RW',
      other_config: {},
      qos_algorithm_params: {},
      qos_algorithm_type: '',
      type,
      unpluggable: false,
      userdevice: place,
      VDI,
      VM,
      ...more,
    });
    if (['Running', 'Paused'].includes(await this.field('VM', VM, 'power_state')))
      await this.task('VBD.plug', vbd);
    return vbd;
  }
  /** Devices that may not be unplugged are first allowed to be, then unplugged. */
  async unplug(vbd: string): Promise<void> {
    const refused = await this.refused('VBD.unplug_force', vbd);
    if (refused.code !== 'VBD_NOT_UNPLUGGABLE') return;
    await this.xapi.setField('VBD', vbd, 'unpluggable', true);
    await this.call('VBD.unplug_force', vbd);
  }
  async destroyVbd(ref: string): Promise<void> {
    await this.unplug(ref);
    await this.call('VBD.destroy', ref);
  }
  async createVif({
    VM,
    network,
    ...more
  }: Fields & { readonly VM: string; readonly network: string }): Promise<string> {
    const [device] = await this.call<string[]>('VM.get_allowed_VIF_devices', VM);
    const MTU = await this.field<number>('network', network, 'MTU');
    const vif = await this.call('VIF.create', {
      device,
      MAC: '',
      MTU,
      network,
      other_config: {},
      qos_algorithm_params: {},
      qos_algorithm_type: '',
      VM,
      ...more,
    });
    if ((await this.field('VM', VM, 'power_state')) === 'Running') await this.task('VIF.plug', vif);
    return vif;
  }
  async disksOf(vm: string): Promise<string[]> {
    const vbds = (await this.xapi.getRecords('VBD', await this.field<string[]>('VM', vm, 'VBDs'))) as Seen[];
    return vbds.filter(({ type, VDI }) => type === 'Disk' && VDI !== none).map(({ VDI }) => VDI);
  }
  /** The source of a snapshot, its name and the disks that are left out; it is no template afterwards. */
  async snapshot(vm: string, name: string, without?: readonly string[]): Promise<string> {
    const ref = await this.task('VM.snapshot', vm, name, ...(without === undefined ? [] : [without]));
    await this.xapi.setField('VM', ref, 'is_a_template', false);
    return ref;
  }
  /** Stops it, lifts what protects it, then takes its snapshots and disks along. */
  async destroyVm(ref: string): Promise<void> {
    const vm = (await this.xapi.getRecord('VM', ref)) as Seen;
    if (vm.power_state !== 'Halted') await this.call('VM.hard_shutdown', ref);
    await Promise.all([
      this.call('VM.set_is_default_template', ref, false),
      this.update(vm, 'other_config', { default_template: null }),
      this.call('VM.set_is_a_template', ref, false),
      this.update(vm, 'blocked_operations', { destroy: null }),
    ]);
    const disks = await this.disksOf(ref);
    await this.call('VM.destroy', ref);
    await Promise.all(vm.snapshots.map((snapshot) => this.destroyVm(snapshot)));
    for (const disk of disks)
      if ((await this.field<string[]>('VDI', disk, 'VBDs')).length === 0)
        await this.task('VDI.destroy', disk);
  }
}

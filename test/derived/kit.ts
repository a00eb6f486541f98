/** The harnesses of durable operations need a world without a scheduler: the test runs the operations itself. */
import { messages } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { complaints } from '@xenplane/testing';
import { OperationWorker, type Surroundings } from '@xenplane/work';
import { describeError, operationsOf, PostgresOperations, beginInternally, type Plane } from '@xenplane/xapi';
import { eventually, login, startWorld, type Call, type World } from '../world';

/** For each operation, what it is asked of: the parameters, made anew each time. */
export type Scenarios = Readonly<Record<string, (kit: Kit) => Promise<unknown[]>>>;
export type Around = NonNullable<Surroundings<unknown>['around']>;

export class Kit {
  private constructor(
    readonly world: World,
    readonly call: Call,
    readonly plane: Plane,
  ) {}

  static async start(hosts = 2): Promise<Kit> {
    const world = await startWorld({ hosts, scheduler: false });
    const [api] = world.apis;
    if (!api) throw new Error('no API');
    return new Kit(world, await login(world.url), api.plane);
  }

  private stopped = false;
  private readonly ends: (() => Promise<void>)[] = [];
  /** Something else that a scenario has begun and that ends with the kit. */
  atEnd(end: () => Promise<void>): void {
    this.ends.push(end);
  }
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    for (const end of this.ends) await end();
    await this.world.stop();
  }

  /** Runs an accepted operation as a scheduler would, with the harness around its steps. */
  async work(task: string, around?: Around): Promise<void> {
    const worker = new OperationWorker({
      owner: `test ${Math.random()}`,
      store: new PostgresOperations(this.plane),
      operations: operationsOf(this.plane),
      describe: describeError,
      tries: 2,
      backoffMs: 1,
      ...(around ? { around } : {}),
    });
    const whole = worker.run(task);
    await this.workBelow(task, whole);
    await whole;
    for (let others = await this.open(task); others.length > 0; others = await this.open(task)) {
      for (const child of others.filter((ref) => ref !== task)) await this.work(child);
      await worker.run(task);
    }
  }

  /** The operation and those that it waits for, as far as they are not done and nobody has them; none when it does not wait. */
  private async open(task: string): Promise<string[]> {
    const rows = await this.plane.store.query<{ ref: string }>(
      `SELECT o.ref FROM operation o JOIN task t ON t.ref = o.ref WHERE (o.ref = $1 OR t.subtask_of = $1) AND o.state <> 'done' AND o.owner IS NULL ORDER BY o.ref = $1`,
      [task],
    );
    return rows.map((r) => r.ref);
  }

  /** Asks for an operation that is left for the test to run; answers its task. */
  async accept(method: string, params: readonly unknown[]): Promise<string> {
    const message = messages.get(method);
    if (message?.async) return this.call<string>(`Async.${method}`, ...params);
    const args = Object.fromEntries(message?.params.map((p, i) => [p.name, params[i]]) ?? []);
    return inTransaction(this.plane.store, (tx) => beginInternally(tx, this.plane, method, args));
  }

  /** Runs the work that a piece of work has begun, until that has ended. */
  private async workBelow(task: string, whole: Promise<unknown>): Promise<void> {
    let over = false;
    const end = whole.then(
      () => (over = true),
      () => (over = true),
    );
    while (!over && !this.stopped) {
      await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 50))]);
      if (over) return;
      const parts = await this.plane.store
        .query<{
          ref: string;
        }>(
          "SELECT o.ref FROM operation o JOIN task t ON t.ref = o.ref WHERE t.subtask_of = $1 AND o.state <> 'done' AND o.owner IS NULL",
          [task],
        )
        .catch(() => []);
      await Promise.all(parts.map((part) => this.work(part.ref)));
    }
  }

  async finished(task: string): Promise<string> {
    return eventually(async () => {
      const status = await this.call<string>('task.get_status', task);
      if (status === 'pending') throw new Error('pending');
      return status;
    });
  }

  /** Asks for an operation and runs it to its end; answers the task. */
  async run(method: string, ...params: unknown[]): Promise<string> {
    const task = await this.call<string>(`Async.${method}`, ...params);
    await this.work(task);
    const status = await this.finished(task);
    if (status !== 'success')
      throw new Error(`${method}: ${(await this.call<string[]>('task.get_error_info', task)).join(' ')}`);
    return task;
  }

  /** A halted VM with a disk and a network interface. */
  async newVm(system = 'Debian Bookworm 12'): Promise<string> {
    const [template] = await this.call<string[]>('VM.get_by_name_label', system);
    const vm = await this.call<string>('VM.clone', template, 'walked');
    await this.call('VM.provision', vm);
    const [network] = await this.call<string[]>(
      'network.get_by_name_label',
      'Pool-wide network associated with eth0',
    );
    await this.call('VIF.create', {
      device: '0',
      network,
      VM: vm,
      MAC: '',
      MTU: 0,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
    });
    return vm;
  }

  /** A VM that runs and whose guest agent has reported. */
  async runningVm(system?: string): Promise<string> {
    const vm = await this.newVm(system);
    await this.run('VM.start', vm, false, false);
    await eventually(async () =>
      expect(await this.call('VM.get_allowed_operations', vm)).toContain('suspend'),
    );
    return vm;
  }

  async after(vm: Promise<string>, method: string): Promise<string> {
    await this.run(method, await vm);
    return vm;
  }

  async hostOf(): Promise<string> {
    return (await this.call<string[]>('host.get_all'))[0] ?? '';
  }

  /** A device of a VM that runs. */
  async device(cls: 'VBD' | 'VIF', plugged: boolean, system?: string): Promise<string> {
    const vm = await this.runningVm(system);
    const [own] = await this.call<string[]>(`VM.get_${cls}s`, vm);
    if (!plugged) await this.run(`${cls}.unplug`, own);
    return own ?? '';
  }

  /** The object of an operation as a client sees it; undefined when it is gone. */
  async look(method: string, params: readonly unknown[]): Promise<unknown> {
    const cls = method.split('.')[0];
    const record = await this.call<Record<string, unknown>>(`${cls}.get_record`, params[0]).catch(gone);
    if (!record) return undefined;
    const {
      network,
      ipv4_addresses,
      ipv6_addresses,
      power_state,
      currently_attached,
      memory_target,
      VCPUs_at_startup,
      current_operations,
      snapshots,
    } = record;
    return {
      network,
      ipv4_addresses,
      ipv6_addresses,
      power_state,
      snapshots: Array.isArray(snapshots) ? snapshots.length : undefined,
      currently_attached,
      memory_target,
      VCPUs_at_startup,
      current_operations,
    };
  }

  /** No invariant of the control plane is broken. */
  async sound(): Promise<void> {
    await eventually(async () => {
      const found = await complaints(this.plane.store);
      if (found.length > 0) throw new Error(found.join('\n'));
    });
  }

  /** Every VM that is shown up has one domain, where it is shown, and there are no others. */
  async once(): Promise<void> {
    await eventually(async () => expect(await this.domains()).toEqual(await this.shown()));
  }

  /** The domains of all hypervisors: VM, host and state. */
  private async domains(): Promise<string[]> {
    const hosts = await this.plane.store.query<{ uuid: string }>('SELECT uuid FROM host_run');
    const lists = await Promise.all(
      hosts.map(async ({ uuid }) =>
        (await this.world.agent.hypervisor.list(uuid)).map(
          (d) => `${d.vm} ${uuid} ${d.state === 'paused' ? 'Paused' : 'Running'}`,
        ),
      ),
    );
    return lists.flat().sort();
  }
  /** The same from the records. */
  private async shown(): Promise<string[]> {
    const rows = await this.plane.store.query<{ line: string }>(
      "SELECT v.uuid || ' ' || h.uuid || ' ' || v.power_state AS line FROM vm v JOIN host h ON h.ref = v.resident_on WHERE NOT v.is_control_domain",
    );
    return rows.map((r) => r.line).sort();
  }
}

function gone(error: Error): undefined {
  if (!error.message.startsWith('HANDLE_INVALID')) throw error;
}

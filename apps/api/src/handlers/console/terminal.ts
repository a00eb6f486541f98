/** The consoles of running VMs as this process has them: all who look at one VM see, and type into, the same. */
import { guestConsole } from '@xenplane/domain';
import type { Ref } from '@xenplane/model';
import { runningGuest, type Plane } from '@xenplane/xapi';

const mostKept = 1000;
const small = { columns: 80, rows: 25 };
const large = { columns: 100, rows: 37 };
export type Size = typeof small;

export class Terminal {
  private session = guestConsole.newSession;
  private readonly watchers = new Set<() => void>();

  constructor(
    private readonly plane: Plane,
    private readonly vm: Ref<'VM'>,
    private readonly started: number,
  ) {}

  get isWatched(): boolean {
    return this.watchers.size > 0;
  }
  /** True while the VM runs as it did when the first client looked. */
  get isAlive(): boolean {
    return runningGuest(this.plane.replica, this.vm)?.started === this.started;
  }
  /** Nothing once the VM is gone. */
  read(): { readonly from: number; readonly text: string; readonly size: Size } {
    const guest = runningGuest(this.plane.replica, this.vm);
    if (!guest) return { from: 0, text: '', size: small };
    const { from, text } = guestConsole.written(this.session, guest.facts, this.seconds);
    return { from, text, size: guestConsole.hasLargeScreen(guest.facts, this.seconds) ? large : small };
  }
  type(text: string): void {
    const guest = runningGuest(this.plane.replica, this.vm);
    if (!guest || text === '') return;
    this.session = guestConsole.type(this.session, guest.facts, text, this.seconds);
    for (const watcher of this.watchers) watcher();
  }
  /** Called at once with typed keys; output that the guest writes by itself is polled. */
  watch(told: () => void): () => void {
    this.watchers.add(told);
    return () => this.watchers.delete(told);
  }

  private get seconds(): number {
    return this.plane.clock.now().getTime() / 1000 - this.started;
  }
}

const kept = new WeakMap<Plane, Map<string, { readonly started: number; readonly terminal: Terminal }>>();

/** The terminal of a VM that runs. After another start it is a new one. */
export function terminalOf(plane: Plane, vm: Ref<'VM'>): Terminal | undefined {
  const guest = runningGuest(plane.replica, vm);
  if (!guest) return undefined;
  const all = kept.get(plane) ?? new Map<string, { readonly started: number; readonly terminal: Terminal }>();
  kept.set(plane, all);
  const found = all.get(vm);
  const entry =
    found?.started === guest.started
      ? found
      : { started: guest.started, terminal: new Terminal(plane, vm, guest.started) };
  // The one looked at last goes last.
  all.delete(vm);
  all.set(vm, entry);
  const [oldest] = all.size > mostKept ? all.keys() : [];
  if (oldest !== undefined) all.delete(oldest);
  return entry.terminal;
}

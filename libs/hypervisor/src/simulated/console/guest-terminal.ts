/** The terminal of one simulated guest or host: all who have opened it see the same, and type into the same. */
import { terminal } from '@xenplane/domain';
import type { ConsoleChannel, ConsoleListener } from '../../hypervisor';
import type { Timers } from '../../clock';
import { hasLargeScreen, type GuestFacts } from './boot';
import { isBooted, newSession, shortened, type, written, type Session } from './session';

const small = { columns: 80, rows: 25 };
const large = { columns: 100, rows: 37 };
/** How often a guest that boots is looked at. */
const lookMs = 150;

export interface TerminalOwner {
  readonly timers: Timers;
  /** When it was started, by the timers. */
  readonly startedAt: number;
  /** As it is now; its boot shows it as it was when the terminal was made. */
  facts(): GuestFacts;
}
interface Viewer {
  readonly listener: ConsoleListener;
  /** How much of all that was ever written it has. */
  sent: number;
  size: terminal.Size | undefined;
}

export class GuestTerminal {
  private readonly viewers = new Set<Viewer>();
  private booted: GuestFacts;
  private look: (() => void) | undefined;

  constructor(
    private readonly owner: TerminalOwner,
    private session: Session = newSession,
  ) {
    this.booted = owner.facts();
  }

  /** The boot shows the owner as it is now. */
  lookAtOwner(): void {
    this.booted = this.owner.facts();
  }
  /** The listener first hears what was written so far. */
  open(listener: ConsoleListener): ConsoleChannel {
    const viewer: Viewer = { listener, sent: 0, size: undefined };
    this.viewers.add(viewer);
    this.show(viewer);
    this.lookAgain();
    return {
      write: async (bytes) => this.type(Buffer.from(bytes).toString('latin1')),
      close: () => void this.viewers.delete(viewer),
    };
  }
  /** The guest is gone, and everybody's view of it. */
  end(): void {
    this.look?.();
    for (const { listener } of this.viewers) listener.end();
    this.viewers.clear();
  }
  /** The part of the guest's memory in which the terminal is; undefined while nobody has typed. */
  get memory(): Session | undefined {
    return this.session === newSession ? undefined : shortened(this.session);
  }

  private type(text: string): void {
    this.session = type(this.session, this.owner.facts(), text, this.seconds);
    this.showAll();
  }
  private showAll(): void {
    for (const viewer of this.viewers) this.show(viewer);
  }
  private show(viewer: Viewer): void {
    const facts = { ...this.booted, isUp: this.owner.facts().isUp };
    const { from, text } = written(this.session, facts, this.seconds);
    const size = hasLargeScreen(facts, this.seconds) ? large : small;
    const fresh = text.slice(Math.max(0, viewer.sent - from));
    const news = (size === viewer.size ? '' : terminal.windowSize(size)) + terminal.vt100(fresh);
    viewer.sent = Math.max(viewer.sent, from + text.length);
    viewer.size = size;
    if (news !== '') viewer.listener.data(Buffer.from(news));
  }
  /** What a guest writes while it boots follows from the time. */
  private lookAgain(): void {
    if (this.look || this.viewers.size === 0 || isBooted(this.owner.facts(), this.seconds)) return;
    const cancel = this.owner.timers.after(lookMs, () => {
      this.look = undefined;
      this.showAll();
      this.lookAgain();
    });
    this.look = cancel;
  }
  private get seconds(): number {
    return (this.owner.timers.now() - this.owner.startedAt) / 1000;
  }
}

/**
 * A model of the protocol by which a VM runs at most once: two hosts, one VM, the control plane's rows, and messages that
 * are never taken away, so that loss, delay, reordering and duplication are all in it. Each rule can be left out; a walk
 * through the model then finds two copies running. What is checked here is the protocol, not the code that follows it.
 */
export const rules = [
  /** R4 */ 'claim',
  /** R5 */ 'deadlineFromSend',
  /** R5 */ 'rejectFenced',
  /** R6 */ 'fullWait',
  /** R6 */ 'fenceOnlyUnchanged',
  /** R7 */ 'leaseAtCreate',
  /** R7 */ 'watchdog',
  /** R8 */ 'bindToHostEpoch',
  /** R8 */ 'dropPendingOnFence',
  /** R9 */ 'tombstone',
  /** R9 */ 'vmLock',
  /** R10 */ 'epochInReports',
  /** R11 */ 'adoptOnlyPlaced',
  /** R13 */ 'attemptNumber',
  /** R13 */ 'claimToUnpause',
] as const;
export type Rule = (typeof rules)[number];

/** Ticks that a lease lasts, and how far the counters of a walk may go. */
const ttl = 2;
const most = { vmEpoch: 3, hostEpoch: 2, attempt: 2 };

/** Halted, Asked, Claimed, Running, Stopping, Migrating. */
type RunState = 'H' | 'A' | 'C' | 'R' | 'S' | 'M';
interface Row {
  epoch: number;
  host: number;
  state: RunState;
  attempt: number;
}
interface Renewal {
  /** Ticks left of the lease as counted from the sending. */
  left: number;
  phase: 'sent' | 'committed' | 'rejected';
  hostEpoch: number;
}
interface Host {
  /** The row: its epoch, whether it counts as alive, whether its lease number changed since the controller looked, for how many ticks it has not. */
  epoch: number;
  alive: boolean;
  fresh: boolean;
  observed: number;
  /** The hypervisor: ticks to its deadline, its domain. */
  deadline: number;
  domain: { epoch: number; running: boolean } | undefined;
  /** The agent: the epoch under which it is registered, what it has claimed and not yet done, its renewal on the way. */
  agent: number | undefined;
  pending: { epoch: number; hostEpoch: number; what: 'create' | 'unpause' } | undefined;
  renewal: Renewal | undefined;
  tombstone: number;
  suspendAttempt: number;
  /** The epoch that it has asked for: its claim may be granted again, for the answer may have been lost. */
  claimed: number;
}
type Kind = 'start' | 'stop' | 'suspend' | 'unpause' | 'isRunning' | 'isStopped' | 'isSuspended';
interface Message {
  readonly kind: Kind;
  readonly host: number;
  readonly epoch: number;
  readonly attempt: number;
}
export interface World {
  row: Row;
  hosts: [Host, Host];
  messages: Message[];
}
export interface Move {
  readonly name: string;
  readonly make: () => void;
}

const newHost = (): Host => ({
  epoch: 0,
  alive: true,
  fresh: true,
  observed: 0,
  deadline: 0,
  domain: undefined,
  agent: 0,
  pending: undefined,
  renewal: undefined,
  tombstone: 0,
  suspendAttempt: 0,
  claimed: 0,
});

export function newWorld(from: 'empty' | 'running'): World {
  const world: World = {
    row: { epoch: 0, host: 0, state: 'H', attempt: 0 },
    hosts: [newHost(), newHost()],
    messages: [],
  };
  if (from === 'empty') return world;
  world.row = { epoch: 1, host: 0, state: 'R', attempt: 0 };
  for (const host of world.hosts) Object.assign(host, { fresh: false, deadline: ttl });
  world.hosts[0].domain = { epoch: 1, running: true };
  send(world, 'isRunning', 0, 1);
  send(world, 'start', 0, 1);
  return world;
}

/** I1: two copies run. */
export const runsTwice = ({ hosts }: World): boolean => hosts.every((host) => host.domain?.running === true);
/** I3: an agent has just registered and kept a domain that the rows do not place there. */
export function keptStray({ row, hosts }: World, move: string): boolean {
  const registered = /^register ([01])/.exec(move);
  const i = registered?.[1] === '1' ? 1 : 0;
  const { domain } = hosts[i];
  return (
    registered !== null &&
    domain !== undefined &&
    !(row.host === i && row.epoch === domain.epoch && row.state !== 'H' && row.state !== 'A')
  );
}

function send({ messages }: World, kind: Kind, host: number, epoch: number, attempt = 0): void {
  if (!messages.some((m) => m.kind === kind && m.host === host && m.epoch === epoch && m.attempt === attempt))
    messages.push({ kind, host, epoch, attempt });
}

/** Everything that can happen next. */
export class Moves {
  constructor(private readonly off: ReadonlySet<Rule>) {}

  private on = (rule: Rule): boolean => !this.off.has(rule);
  private get wait(): number {
    return this.on('fullWait') ? ttl : ttl - 1;
  }

  all(world: World): Move[] {
    const moves: Move[] = [{ name: 'tick', make: () => this.tick(world) }, ...this.client(world)];
    for (const i of [0, 1] as const)
      moves.push(
        ...this.lease(world, i),
        ...this.life(world, i),
        ...this.controller(world, i),
        ...this.deliveries(world, i),
        ...this.pending(world, i),
      );
    return moves;
  }

  private tick({ hosts }: World): void {
    for (const host of hosts) {
      if (host.deadline > 0) {
        host.deadline -= 1;
        if (host.deadline === 0 && this.on('watchdog')) host.domain = undefined;
      }
      if (host.renewal && host.renewal.left > 0) host.renewal.left -= 1;
      if (host.observed < this.wait) host.observed += 1;
    }
  }

  private lease({ hosts }: World, i: 0 | 1): Move[] {
    const host = hosts[i];
    const { agent, renewal } = host;
    if (!renewal)
      return agent === undefined
        ? []
        : [
            {
              name: `renewal sent ${i}`,
              make: () => (host.renewal = { left: ttl, phase: 'sent', hostEpoch: agent }),
            },
          ];
    const lost = { name: `renewal lost ${i}`, make: () => (host.renewal = undefined) };
    const next = {
      sent: () => this.judge(host, renewal),
      committed: () => this.extend(host, renewal),
      rejected: () => this.fenced(host),
    };
    return [lost, { name: `renewal ${renewal.phase} ${i}`, make: next[renewal.phase] }];
  }
  private judge(host: Host, renewal: Renewal): void {
    const current = host.alive && host.epoch === renewal.hostEpoch;
    if (current) host.fresh = true;
    renewal.phase = current || (!host.alive && !this.on('rejectFenced')) ? 'committed' : 'rejected';
  }
  private extend(host: Host, { left }: Renewal): void {
    host.deadline = Math.max(host.deadline, this.on('deadlineFromSend') ? left : ttl);
    host.renewal = undefined;
  }
  private fenced(host: Host): void {
    Object.assign(host, { agent: undefined, renewal: undefined, domain: undefined, claimed: 0 });
    if (this.on('dropPendingOnFence')) host.pending = undefined;
  }

  private life(world: World, i: 0 | 1): Move[] {
    const host = world.hosts[i];
    const moves: Move[] = [];
    if (!this.on('watchdog') && host.deadline === 0 && host.domain)
      moves.push({ name: `agent notices its deadline ${i}`, make: () => (host.domain = undefined) });
    const forgotten = {
      pending: undefined,
      renewal: undefined,
      agent: undefined,
      tombstone: 0,
      suspendAttempt: 0,
      claimed: 0,
    };
    if (host.agent !== undefined || host.domain || host.pending)
      moves.push({
        name: `crash ${i}`,
        make: () => Object.assign(host, forgotten, { domain: undefined, deadline: 0 }),
      });
    if (host.agent !== undefined)
      moves.push({ name: `agent restart ${i}`, make: () => Object.assign(host, forgotten) });
    else if (host.epoch < most.hostEpoch)
      moves.push({ name: `register ${i}`, make: () => this.register(world, i) });
    return moves;
  }
  /** Keeps only what the rows still place here under that epoch; a row that is placed here without a domain goes back. */
  private register({ row, hosts }: World, i: 0 | 1): void {
    const host = hosts[i];
    const mine = row.host === i && row.state !== 'H';
    const kept =
      host.domain !== undefined && host.alive && mine && row.epoch === host.domain.epoch && row.state !== 'A';
    if (kept && row.state === 'C') row.state = 'R';
    if (!kept && mine && (row.state !== 'A' || !host.domain)) row.state = 'H';
    if (!kept && this.on('adoptOnlyPlaced')) host.domain = undefined;
    host.epoch += 1;
    Object.assign(host, { alive: true, fresh: true, agent: host.epoch });
    if (this.on('dropPendingOnFence')) host.pending = undefined;
  }

  private controller(world: World, i: 0 | 1): Move[] {
    const { row, hosts } = world;
    const host = hosts[i];
    const moves: Move[] = [];
    if (host.fresh)
      moves.push({ name: `observe ${i}`, make: () => Object.assign(host, { fresh: false, observed: 0 }) });
    if (host.alive && host.observed >= this.wait && (!host.fresh || !this.on('fenceOnlyUnchanged')))
      moves.push({ name: `fence ${i}`, make: () => this.fence(world, i) });
    if (row.state === 'H' && host.alive && row.epoch < most.vmEpoch)
      moves.push({ name: `place ${i}`, make: () => this.place(world, i, row.epoch + 1) });
    return moves;
  }
  private fence({ row, hosts }: World, i: 0 | 1): void {
    hosts[i].alive = false;
    if (row.host === i) row.state = 'H';
  }
  private place(world: World, host: number, epoch: number): void {
    world.row = { epoch, host, state: 'A', attempt: 0 };
    send(world, 'start', host, epoch);
  }

  private client(world: World): Move[] {
    const { row, hosts } = world;
    const moves: Move[] = [];
    if (row.state === 'A' || row.state === 'C' || row.state === 'R')
      moves.push({ name: 'stop', make: () => this.stop(world) });
    if (row.state === 'R' && row.attempt < most.attempt && hosts[row.host === 0 ? 1 : 0].alive)
      moves.push({ name: 'migrate', make: () => this.migrate(world) });
    if (row.state === 'M') moves.push({ name: 'abort migration', make: () => this.abort(world) });
    return moves;
  }
  private stop(world: World): void {
    world.row.state = 'S';
    send(world, 'stop', world.row.host, world.row.epoch);
  }
  private migrate(world: World): void {
    const { row } = world;
    row.state = 'M';
    row.attempt += 1;
    send(world, 'suspend', row.host, row.epoch, row.attempt);
  }
  private abort(world: World): void {
    const { row } = world;
    row.state = 'R';
    send(world, 'unpause', row.host, row.epoch, row.attempt);
  }

  private deliveries(world: World, i: 0 | 1): Move[] {
    return world.messages
      .filter((m) => m.host === i)
      .flatMap((message) => this.delivery(world, world.hosts[i], message));
  }
  private delivery(world: World, host: Host, message: Message): Move[] {
    const { row } = world;
    const { kind, epoch } = message;
    const here = row.host === message.host && row.epoch === epoch;
    if (kind === 'start') return this.started(world, host, message);
    if (kind === 'stop')
      return host.agent === undefined
        ? []
        : [{ name: `agent stops ${message.host} ${epoch}`, make: () => this.stopped(world, host, message) }];
    if (kind === 'suspend') return this.suspended(world, host, message);
    if (kind === 'unpause') return this.unpaused(world, host, message);
    if (kind === 'isRunning')
      return here && row.state === 'C' ? [{ name: 'shown running', make: () => (row.state = 'R') }] : [];
    if (kind === 'isStopped') {
      const current = row.epoch === epoch || !this.on('epochInReports');
      return row.state === 'S' && row.host === message.host && current
        ? [{ name: 'shown halted', make: () => (row.state = 'H') }]
        : [];
    }
    return this.moved(world, message);
  }
  private started({ row }: World, host: Host, { host: i, epoch }: Message): Move[] {
    const { agent } = host;
    if (agent === undefined || host.pending || host.domain || epoch <= host.tombstone) return [];
    const free = row.state === 'A' || (row.state === 'C' && host.claimed === epoch);
    const granted = row.epoch === epoch && row.host === i && free && host.alive && host.epoch === agent;
    if (!granted && this.on('claim')) return [];
    const grant = (): void => {
      host.claimed = epoch;
      if (granted) row.state = 'C';
    };
    const claim = {
      name: `claim ${i} ${epoch}`,
      make: () => (grant(), (host.pending = { epoch, hostEpoch: agent, what: 'create' })),
    };
    return granted ? [claim, { name: `claim answer lost ${i}`, make: grant }] : [claim];
  }
  private stopped(world: World, host: Host, { host: i, epoch }: Message): void {
    if (host.domain && host.domain.epoch <= epoch) host.domain = undefined;
    if (this.on('tombstone')) {
      host.tombstone = Math.max(host.tombstone, epoch);
      if (host.pending && host.pending.epoch <= epoch) host.pending = undefined;
    }
    send(world, 'isStopped', i, epoch);
  }
  private suspended(world: World, host: Host, { host: i, epoch, attempt }: Message): Move[] {
    const busy = host.pending !== undefined && this.on('vmLock');
    const old = attempt <= host.suspendAttempt && this.on('attemptNumber');
    if (host.agent === undefined || host.domain?.epoch !== epoch || busy || old) return [];
    const suspend = (): void => {
      host.domain = { epoch, running: false };
      host.suspendAttempt = Math.max(attempt, host.suspendAttempt);
      send(world, 'isSuspended', i, epoch, this.on('attemptNumber') ? attempt : 0);
    };
    return [{ name: `agent suspends ${i}`, make: suspend }];
  }
  private unpaused({ row }: World, host: Host, { host: i, epoch, attempt }: Message): Move[] {
    const { agent } = host;
    if (agent === undefined || host.domain?.epoch !== epoch || host.domain.running || host.pending) return [];
    const placed =
      row.epoch === epoch && row.host === i && row.state === 'R' && host.alive && host.epoch === agent;
    const granted = placed && (row.attempt === attempt || !this.on('attemptNumber'));
    if (!granted && this.on('claimToUnpause')) return [];
    return [
      {
        name: `claim to unpause ${i}`,
        make: () => (host.pending = { epoch, hostEpoch: agent, what: 'unpause' }),
      },
    ];
  }
  /** The commit of a migration: ownership changes in one step. */
  private moved(world: World, { host: i, epoch, attempt }: Message): Move[] {
    const { row, hosts } = world;
    const other = i === 0 ? 1 : 0;
    const current =
      row.epoch === epoch &&
      row.host === i &&
      row.state === 'M' &&
      (attempt === row.attempt || !this.on('attemptNumber'));
    if (!current || !hosts[other].alive || row.epoch >= most.vmEpoch) return [];
    const commit = (): void => {
      this.place(world, other, epoch + 1);
      send(world, 'stop', i, epoch);
    };
    return [{ name: `migration committed ${i}`, make: commit }];
  }

  private pending(world: World, i: 0 | 1): Move[] {
    const host = world.hosts[i];
    const { pending } = host;
    if (!pending) return [];
    const moves: Move[] = [{ name: `drop pending ${i}`, make: () => (host.pending = undefined) }];
    const inTime = host.deadline > 0 || !this.on('leaseAtCreate');
    const bound = pending.hostEpoch === host.agent || !this.on('bindToHostEpoch');
    const fits = pending.what === 'create' ? !host.domain : host.domain?.epoch === pending.epoch;
    if (inTime && bound && fits)
      moves.push({ name: `${pending.what} ${i} ${pending.epoch}`, make: () => this.run(world, i, pending) });
    return moves;
  }
  private run(world: World, i: 0 | 1, { epoch, what }: NonNullable<Host['pending']>): void {
    const host = world.hosts[i];
    host.domain = { epoch, running: true };
    host.pending = undefined;
    if (what === 'create') send(world, 'isRunning', i, epoch);
  }
}

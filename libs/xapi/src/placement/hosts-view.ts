/** The hosts as placement sees them: at most a moment old, with what this process has placed since. */
import { type Candidate, type PlacementSnapshot } from '@xenplane/domain';
import type { Store, Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import { placementHosts, type HostRow } from '../tables/runs/placements';

const asCandidate = (row: HostRow): Candidate => ({
  ref: row.ref,
  uuid: row.uuid,
  enabled: row.enabled,
  live: row.alive,
  memoryFree: row.memory_free,
  memoryTotal: row.memory_total,
  vcpusPlaced: row.vcpus_placed,
  pcpus: row.pcpus,
  vmsPlaced: row.vms_placed,
  hvmCapable: row.hvm,
  hasIommu: row.iommu,
  srs: new Set(row.srs ?? []),
  networks: new Set(row.networks ?? []),
  groups: {},
});

/**
 * How old the view may be for a first choice. The commit checks all that a host was chosen by once more, and nothing is refused by
 * an old view, so that what anybody was answered before holds: an old view costs another try.
 */
const freshMs = 50;

/** A place that was chosen and is not yet in what the database shows. */
interface Choice {
  readonly vm: string;
  readonly host: string;
  readonly bytes: number;
  readonly vcpus: number;
  readonly at: number;
  /** Of the run that began with it, once it was written down. */
  epoch?: number;
}
/** A choice that does not show for so long was rolled back. */
const forgottenMs = 10_000;

/** The hosts as the database shows them at this moment. */
export async function hostsNow(tx: Tx): Promise<Pick<PlacementSnapshot, 'hosts' | 'policy'>> {
  const rows = await placementHosts(tx, []);
  return { hosts: rows.map(asCandidate), policy: rows[0]?.policy ?? undefined };
}

export class HostsView {
  private hosts = new Map<string, Candidate>();
  private readonly choices = new Map<string, Choice>();
  private loadedAt = -Infinity;
  private loading: Promise<void> | undefined;
  /** True if high availability plans with the free memory. */
  planned = false;
  /** The name of the policy that the pool asks for. */
  policy: string | undefined;

  constructor(private readonly now: () => number) {}

  /** Loads, when it is time, on the connection that the asker holds: one that waits for another connection of the pool may wait for ever. */
  async candidates(tx: Tx): Promise<readonly Candidate[]> {
    if (this.now() - this.loadedAt > freshMs)
      await (this.loading ??= this.load(tx).finally(() => (this.loading = undefined)));
    return this.present();
  }
  /** As they are by now: a load that began before the question says nothing of what was committed since. */
  async anew(tx: Tx): Promise<readonly Candidate[]> {
    await this.loading?.catch(() => undefined);
    await (this.loading ??= this.load(tx).finally(() => (this.loading = undefined)));
    return this.present();
  }
  /** As they are at this very moment, all choices counted; who waits between this and `took` chooses by what was. */
  present(): readonly Candidate[] {
    return [...this.hosts.values()];
  }

  /** Counts a choice before it is committed, so that the next choice sees it. */
  took(vm: string, host: string, bytes: number, vcpus: number): void {
    const choice: Choice = { vm, host, bytes, vcpus, at: this.now() };
    this.choices.set(vm, choice);
    this.count(choice);
  }
  /** From this epoch on the database shows the choice, even if the run has ended by then. */
  wrote(vm: string, epoch: number): void {
    const choice = this.choices.get(vm);
    if (choice) choice.epoch = epoch;
  }
  /** The place was not taken after all. */
  left(vm: string): void {
    if (this.choices.delete(vm)) this.expire();
  }
  expire(): void {
    this.loadedAt = -Infinity;
  }

  /** One statement says how the hosts are and which choices are already in that; the others are counted again. */
  private async load(tx: Tx): Promise<void> {
    const rows = await placementHosts(tx, [...this.choices.keys()]);
    this.hosts = new Map(rows.map((row) => [row.ref, asCandidate(row)]));
    this.planned = rows[0]?.planned ?? false;
    this.policy = rows[0]?.policy ?? undefined;
    for (const [vm, epoch] of Object.entries(rows[0]?.shown ?? {}))
      if (epoch >= (this.choices.get(vm)?.epoch ?? Infinity)) this.choices.delete(vm);
    for (const choice of this.choices.values()) {
      if (this.now() - choice.at > forgottenMs) this.choices.delete(choice.vm);
      else this.count(choice);
    }
    this.loadedAt = this.now();
  }

  private count({ host, bytes, vcpus }: Choice): void {
    const present = this.hosts.get(host);
    if (present)
      this.hosts.set(host, {
        ...present,
        memoryFree: present.memoryFree - bytes,
        vcpusPlaced: present.vcpusPlaced + vcpus,
        vmsPlaced: present.vmsPlaced + 1,
      });
  }
}

const views = new WeakMap<Store, HostsView>();
export function viewOf(plane: Plane): HostsView {
  const present = views.get(plane.store);
  if (present) return present;
  const view = new HostsView(() => plane.clock.monotonic());
  views.set(plane.store, view);
  return view;
}

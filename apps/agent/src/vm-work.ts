/** One VM on one host: brings it to the state that was asked for last, one thing at a time (R9). */
import { isDeepStrictEqual } from 'node:util';
import {
  domainGone,
  HypervisorError,
  isGone,
  type Block,
  type Clock,
  type DesiredVm,
  type Hypervisor,
  type HypervisorEvent,
  type SavedImage,
  type VmAnswer,
} from '@xenplane/hypervisor';
import type { NodeDisks } from './disks';

export interface Site {
  readonly host: string;
  readonly hypervisor: Hypervisor;
  readonly clock: Clock;
  readonly disks: NodeDisks;
  /** The right to create: asked of the control plane, at most once per epoch and nonce (R4). With `attempt`: the right to wake the guest of a migration that was given up (R13). */
  claim(vm: string, vmEpoch: number, hostEpoch: number, nonce: string, attempt?: number): Promise<boolean>;
  /** True while the host is registered under this epoch (R8). */
  isCurrent(hostEpoch: number): boolean;
}
type Up = Extract<DesiredVm, { state: 'running' | 'paused' }>;
type Receiving = Extract<DesiredVm, { state: 'receiving' }>;
type Moving = Extract<DesiredVm, { state: 'moving' }>;
interface Outcome {
  readonly phase: VmAnswer['phase'];
  readonly error?: readonly string[];
}
interface Job {
  readonly key: string;
  readonly done: Promise<Outcome>;
  progress: number;
  /** Something else is asked for: work that can be left off is. */
  dropped: boolean;
}
export interface HeldDomain {
  readonly vmEpoch: number;
  domid: number;
  boots: number;
  paused: boolean;
  /** Its disks, as the hypervisor has them. */
  blocks: readonly Block[];
  /** Prepared for a guest that comes from another host; it may not run before its epoch is claimed. */
  incoming?: boolean;
}

/** The placement is not the current one any more. */
class Outdated extends Error {}
const stopTimeoutMs = 600_000;

export class VmWork {
  /** No domain of this epoch or an older one may come to be here again. */
  tombstone = 0;
  domain: HeldDomain | undefined;
  /** The newest migration that was given up here: nothing is handed over for it any more. */
  private givenUp = 0;
  private handed:
    { readonly vmEpoch: number; readonly attempt: number; readonly image: SavedImage } | undefined;
  private saved: { readonly vmEpoch: number; readonly image: SavedImage } | undefined;
  /** The memory of a domain that is still here. */
  private kept: { readonly vmEpoch: number; readonly image: SavedImage } | undefined;
  private job: Job | undefined;
  private readonly nonces = new Map<number, string>();
  private ended: (() => void) | undefined;
  /** A guest that was asked to reboot and ends instead has not done what was asked. */
  private rebooting = false;

  constructor(
    readonly vm: string,
    private readonly site: Site,
  ) {}

  /** The result of the command, or an answer after `waitMs` that it is being worked on. The same command again joins the work. */
  async ensure(desired: DesiredVm): Promise<VmAnswer> {
    if (!this.site.isCurrent(desired.hostEpoch)) return this.answer(desired, { phase: 'refused' }, 0);
    if (desired.state === 'stopped') this.tombstone = Math.max(this.tombstone, desired.vmEpoch);
    else if (desired.vmEpoch <= this.tombstone) return this.answer(desired, { phase: 'refused' }, 0);
    const job = this.begin(desired);
    let answered = (): void => undefined;
    const late = new Promise<Outcome>(
      (resolve) => (answered = this.site.clock.after(desired.waitMs, () => resolve({ phase: 'working' }))),
    );
    const outcome = await Promise.race([job.done, late]);
    answered();
    return this.answer(desired, outcome, job.progress);
  }

  /** Answers when nothing is being done to the VM any more. What is begun under an epoch that is over comes to its end soon. */
  async atRest(): Promise<void> {
    await this.job?.done;
  }

  private begin(desired: DesiredVm): Job {
    const { waitMs: _waitMs, ...target } = desired;
    const key = JSON.stringify(target);
    if (this.job?.key === key) return this.job;
    const before = this.job?.done ?? Promise.resolve();
    if (this.job) this.job.dropped = true;
    const job: Job = {
      key,
      progress: 0,
      dropped: false,
      done: before.then(() => this.attempt(desired, job)),
    };
    this.job = job;
    void job.done.then(() => {
      if (this.job === job) this.job = undefined;
    });
    return job;
  }

  private async attempt(desired: DesiredVm, job: Job): Promise<Outcome> {
    try {
      if (desired.state === 'stopped') await this.stop(desired.vmEpoch, desired.how);
      else if (desired.state === 'suspended') await this.suspend(desired.vmEpoch);
      else if (desired.state === 'checkpointed') await this.checkpoint(desired.vmEpoch);
      else if (desired.state === 'receiving') await this.receive(desired);
      else if (desired.state === 'moving') await this.move(desired, job);
      else await this.up(desired, job);
      return { phase: 'done' };
    } catch (error) {
      // Of a guest that ended before it was suspended only this answer speaks: its end is not reported while it is being stopped.
      const hidden = desired.state !== 'suspended' && error instanceof HypervisorError && isGone(error);
      if (error instanceof Outdated || hidden) return { phase: 'refused' };
      return {
        phase: 'failed',
        error:
          error instanceof HypervisorError
            ? error.description
            : ['INTERNAL_ERROR', error instanceof Error ? error.message : String(error)],
      };
    }
  }

  private async up(desired: Up, job: Job): Promise<void> {
    if (desired.attempt !== undefined) await this.takeBack(desired, desired.attempt);
    if (desired.received) await this.takeOver(desired);
    else if (this.domain?.vmEpoch !== desired.vmEpoch) await this.create(desired, job);
    else if (this.domain.boots < desired.boots) await this.reboot(desired);
    else await this.change(this.domain, desired);
    await this.setPaused(desired.state === 'paused');
  }

  /** A domain that is up gets the disks, memory, vCPUs and nics that are wanted. */
  private async change(domain: HeldDomain, { vmEpoch, spec }: Up): Promise<void> {
    const { host, hypervisor, disks } = this.site;
    const wanted = disks.blocksOf(host, this.vm, vmEpoch, spec.disks);
    const over = domain.blocks.filter((block) => !wanted.some((one) => isDeepStrictEqual(one, block)));
    const fresh = wanted.filter((block) => !domain.blocks.some((one) => isDeepStrictEqual(one, block)));
    if (over.length + fresh.length > 0) {
      const added = spec.disks.filter((disk) => fresh.some(({ vbd }) => vbd === disk.vbd));
      await disks.prepare(host, this.vm, vmEpoch, added, () => undefined);
      for (const { vbd } of over) await hypervisor.detach(host, this.vm, vbd);
      for (const block of fresh) await hypervisor.attach(host, this.vm, block);
      domain.blocks = wanted;
    }
    await hypervisor.configure(host, this.vm, spec);
  }

  private async create(desired: Up, job: Job): Promise<void> {
    const { host, hypervisor, disks } = this.site;
    const { vmEpoch, hostEpoch, spec, saved } = desired;
    const nonce = this.nonces.get(vmEpoch) ?? this.site.clock.newId();
    this.nonces.set(vmEpoch, nonce);
    if (!(await this.site.claim(this.vm, vmEpoch, hostEpoch, nonce))) throw new Outdated();
    try {
      await disks.prepare(host, this.vm, vmEpoch, spec.disks, (fraction) => (job.progress = 0.8 * fraction));
      this.assertWanted(desired);
      const blocks = disks.blocksOf(host, this.vm, vmEpoch, spec.disks);
      const { domid } = await hypervisor.create(host, {
        vm: this.vm,
        vmEpoch,
        spec,
        blocks,
        paused: true,
        ...(saved ? { saved } : {}),
      });
      this.domain = { vmEpoch, domid, boots: desired.boots, paused: true, blocks };
      if (!this.site.isCurrent(hostEpoch)) throw new Outdated();
      job.progress = 0.95;
    } catch (error) {
      await this.forget(vmEpoch);
      throw error;
    }
  }
  private assertWanted({ vmEpoch, hostEpoch }: Up | Receiving): void {
    if (vmEpoch <= this.tombstone || !this.site.isCurrent(hostEpoch)) throw new Outdated();
  }

  /** Builds the domain of a guest that is still at its source. An older one here belongs to a placement that is over. */
  private async receive(desired: Receiving): Promise<void> {
    const { host, hypervisor, disks } = this.site;
    const { vmEpoch, spec, boots } = desired;
    if (this.domain?.vmEpoch === vmEpoch) return;
    if (this.domain) await this.forget(this.domain.vmEpoch);
    try {
      await disks.prepare(host, this.vm, vmEpoch, spec.disks, () => undefined);
      this.assertWanted(desired);
      const blocks = disks.blocksOf(host, this.vm, vmEpoch, spec.disks);
      const { domid } = await hypervisor.create(host, {
        vm: this.vm,
        vmEpoch,
        spec,
        blocks,
        paused: true,
        received: true,
      });
      this.domain = { vmEpoch, domid, boots, paused: true, blocks, incoming: true };
      if (!this.site.isCurrent(desired.hostEpoch)) throw new Outdated();
    } catch (error) {
      await this.forget(vmEpoch);
      throw error;
    }
  }

  /** The guest is here: its domain may run as soon as its new epoch is claimed. */
  private async takeOver({ vmEpoch, hostEpoch, saved }: Up): Promise<void> {
    if (this.domain?.vmEpoch !== vmEpoch)
      throw new HypervisorError(['INTERNAL_ERROR', 'the domain that was to take over is gone']);
    if (!this.domain.incoming) return;
    const nonce = this.nonces.get(vmEpoch) ?? this.site.clock.newId();
    this.nonces.set(vmEpoch, nonce);
    if (!(await this.site.claim(this.vm, vmEpoch, hostEpoch, nonce))) throw new Outdated();
    if (saved) await this.site.hypervisor.takeOver(this.site.host, this.vm, saved);
    if (!this.domain) throw new HypervisorError(domainGone(this.vm));
    this.domain.incoming = false;
  }

  private async move({ vmEpoch, hostEpoch, attempt, phase }: Moving, job: Job): Promise<void> {
    const { host, hypervisor } = this.site;
    if (this.domain?.vmEpoch !== vmEpoch || this.domain.incoming || attempt <= this.givenUp)
      throw new Outdated();
    if (phase === 'copy') {
      for (let done = false; !done;) {
        if (job.dropped || !this.site.isCurrent(hostEpoch)) throw new Outdated();
        const copy = await hypervisor.copyMemory(host, this.vm, attempt);
        job.progress = copy.share;
        done = copy.done;
      }
      return;
    }
    if (this.handed?.vmEpoch === vmEpoch && this.handed.attempt === attempt) return;
    const image = await hypervisor.handOver(host, this.vm, attempt);
    this.handed = { vmEpoch, attempt, image };
    this.domain.paused = true;
  }

  /** The migration was given up: nothing is handed over for it any more, and a guest that was paused for it may be woken again. */
  private async takeBack({ vmEpoch, hostEpoch }: Up, attempt: number): Promise<void> {
    if (this.domain?.vmEpoch !== vmEpoch) throw new Outdated();
    this.givenUp = Math.max(this.givenUp, attempt);
    if (
      this.domain.paused &&
      !(await this.site.claim(this.vm, vmEpoch, hostEpoch, this.site.clock.newId(), attempt))
    )
      throw new Outdated();
    this.handed = undefined;
  }

  /** In hardware or by the guest; either way another domain of the same run. */
  private async reboot(desired: Up): Promise<void> {
    const { host, hypervisor, disks } = this.site;
    if (desired.reboot === 'clean') await this.rebootByGuest();
    else {
      const saved = desired.reboot === 'devices' ? await hypervisor.save(host, this.vm) : undefined;
      await hypervisor.destroy(host, this.vm);
      const blocks = disks.blocksOf(host, this.vm, desired.vmEpoch, desired.spec.disks);
      const { domid } = await hypervisor.create(host, {
        vm: this.vm,
        vmEpoch: desired.vmEpoch,
        spec: desired.spec,
        blocks,
        paused: true,
        ...(saved ? { saved } : {}),
      });
      this.domain = { vmEpoch: desired.vmEpoch, domid, boots: desired.boots, paused: true, blocks };
    }
    if (!this.domain) throw new Outdated();
    this.domain = { ...this.domain, boots: desired.boots };
  }
  private async rebootByGuest(): Promise<void> {
    this.rebooting = true;
    try {
      await this.whenEnded(() => this.site.hypervisor.ask(this.site.host, this.vm, 'reboot'));
    } finally {
      this.rebooting = false;
    }
  }

  private async setPaused(paused: boolean): Promise<void> {
    if (!this.domain || this.domain.paused === paused) return;
    await this.site.hypervisor[paused ? 'pause' : 'unpause'](this.site.host, this.vm);
    this.domain.paused = paused;
  }

  private async suspend(vmEpoch: number): Promise<void> {
    if (this.saved?.vmEpoch === vmEpoch) return;
    if (this.domain?.vmEpoch !== vmEpoch) throw new HypervisorError(domainGone(this.vm));
    const image = await this.site.hypervisor.save(this.site.host, this.vm);
    this.saved = { vmEpoch, image };
    this.tombstone = Math.max(this.tombstone, vmEpoch - 1);
    await this.forget(vmEpoch);
  }

  private async checkpoint(vmEpoch: number): Promise<void> {
    if (this.domain?.vmEpoch !== vmEpoch) throw new Outdated();
    this.kept = { vmEpoch, image: await this.site.hypervisor.checkpoint(this.site.host, this.vm) };
    this.domain.paused = true;
  }

  private async stop(vmEpoch: number, how: 'clean' | 'hard'): Promise<void> {
    const { domain } = this;
    if (domain && domain.vmEpoch <= vmEpoch && how === 'clean')
      await this.whenEnded(() => this.site.hypervisor.ask(this.site.host, this.vm, 'shutdown'));
    await this.forget(vmEpoch);
  }

  /** Does what makes the guest end or come up anew, and waits until it has. */
  private async whenEnded(act: () => Promise<void>): Promise<void> {
    const over = new Promise<void>((resolve, reject) => {
      const cancel = this.site.clock.after(stopTimeoutMs, () =>
        reject(new HypervisorError(['VM_SHUTDOWN_TIMEOUT', 'VM', this.vm, String(stopTimeoutMs / 1000)])),
      );
      this.ended = () => {
        cancel();
        resolve();
      };
    });
    over.catch(() => undefined);
    try {
      await act();
      await over;
    } finally {
      this.ended?.();
      this.ended = undefined;
    }
  }

  /** Destroys what is here of this epoch or an older one, with its disks. */
  private async forget(vmEpoch: number): Promise<void> {
    const { domain } = this;
    if (domain && domain.vmEpoch <= vmEpoch) {
      await this.site.hypervisor.destroy(this.site.host, this.vm);
      this.domain = undefined;
    }
    for (const epoch of new Set([vmEpoch, domain?.vmEpoch ?? vmEpoch]))
      await this.site.disks.release(this.site.host, this.vm, epoch);
    this.nonces.delete(vmEpoch);
  }

  /** An event of the hypervisor; true when the control plane must be notified. */
  async hear(event: HypervisorEvent): Promise<boolean> {
    if (this.domain?.vmEpoch !== event.vmEpoch) return false;
    if (event.kind === 'guest') return true;
    if (event.kind === 'rebooted') this.domain.domid = event.domid;
    const expected = this.ended !== undefined && !(this.rebooting && event.kind === 'ended');
    if (event.kind === 'ended') {
      this.domain = undefined;
      await this.site.disks.release(this.site.host, this.vm, event.vmEpoch);
    }
    this.ended?.();
    return !expected;
  }

  private answer(
    { vmEpoch, state: wanted }: DesiredVm,
    { phase, error }: Outcome,
    progress: number,
  ): VmAnswer {
    const { domain } = this;
    const saved = wanted === 'moving' ? this.handed : wanted === 'checkpointed' ? this.kept : this.saved;
    const state = domain ? (domain.paused ? 'paused' : 'running') : this.job ? 'building' : 'absent';
    return {
      vm: this.vm,
      vmEpoch,
      phase,
      progress: phase === 'done' ? 1 : progress,
      state,
      ...(error ? { error } : {}),
      ...(domain ? { domid: domain.domid, boots: domain.boots } : {}),
      ...(saved?.vmEpoch === vmEpoch ? { saved: saved.image } : {}),
    };
  }
}

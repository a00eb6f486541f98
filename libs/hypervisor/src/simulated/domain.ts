/** A simulated domain: what it costs, and what of its guest is in its memory. */
import type { precopy } from '@xenplane/domain';
import type { Block, DomainState, NewDomain } from '../hypervisor';
import type { DomainSpec, SavedImage } from '../protocol';
import { sessionIn, type GuestTerminal, type Session } from './console';

const MiB = 2 ** 20;
/** The memory that Xen keeps for itself. */
export const xenBytes = 256 * MiB;

export interface Domain {
  readonly vm: string;
  readonly vmEpoch: number;
  domid: number;
  spec: DomainSpec;
  state: DomainState['state'];
  bytes: number;
  /** By their VBDs. */
  readonly blocks: Map<string, Block>;
  cancel: (() => void) | undefined;
  /** The guest has booted: woken after a pause, it goes on at once. */
  booted: boolean;
  /** When the guest last began to boot. */
  startedAt: number;
  /** Made when somebody first looks. */
  terminal: GuestTerminal | undefined;
  /** What was on its terminal when its memory was saved. */
  remembered: Session | undefined;
  /** Its memory on the way to another host. */
  copy: { readonly attempt: number; at: precopy.Copying; handed?: SavedImage } | undefined;
}

/** Beyond its own memory a domain costs 1 MiB of Xen's heap, and in hardware mode its p2m and device model: 1 MiB a vCPU, 8 KiB a MiB, 9 MiB. */
export function domainBytes(spec: DomainSpec): number {
  const own = Math.min(spec.memoryTargetBytes, spec.memoryStaticMaxBytes);
  if (spec.mode !== 'hvm') return own + MiB;
  return (
    own +
    Math.ceil((10 * MiB + spec.vcpusMax * MiB + (spec.memoryStaticMaxBytes / MiB) * 8 * 1024) / MiB) * MiB
  );
}

export function newDomain(
  { vm, vmEpoch, spec, blocks, saved, received }: NewDomain,
  { domid, now }: { readonly domid: number; readonly now: number },
): Domain {
  const domain: Domain = {
    vm,
    vmEpoch,
    domid,
    spec,
    state: 'building',
    bytes: domainBytes(spec),
    blocks: new Map(blocks.map((block) => [block.vbd, block])),
    cancel: undefined,
    booted: saved !== undefined || received !== undefined,
    startedAt: now,
    terminal: undefined,
    remembered: undefined,
    copy: undefined,
  };
  if (saved) remember(domain, saved, now);
  return domain;
}

/** What of a guest is in its memory: its size, how long it has been up, and what is on its terminal once somebody has typed. */
export function memoryOf({ spec, terminal, remembered, startedAt }: Domain, now: number): SavedImage {
  const shown = terminal ? terminal.memory : remembered;
  return {
    memoryBytes: spec.memoryTargetBytes,
    guestOs: spec.guestOs,
    upMs: Math.round(now - startedAt),
    ...(shown === undefined ? {} : { terminal: shown }),
  };
}
export function remember(domain: Domain, { upMs, terminal }: SavedImage, now: number): void {
  if (typeof upMs === 'number') domain.startedAt = now - upMs;
  domain.remembered = sessionIn(terminal);
}

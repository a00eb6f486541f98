/**
 * References that Postgres itself keeps whole. A field is here when nothing can be done with an object whose reference
 * dangles. Every other reference may dangle as in xapi, where deleting an object leaves the references to it
 * (`VM.affinity`, `VM.snapshot_of`, `task.resident_on`, `pool.default_SR` ...) and clients cope.
 */
import type { ClassName } from '@xenplane/model';

export interface ForeignKey {
  readonly from: ClassName;
  readonly field: string;
  readonly to: ClassName;
  readonly why: string;
}

const key = (from: ClassName, field: string, to: ClassName, why: string): ForeignKey => ({
  from,
  field,
  to,
  why,
});

export const foreignKeys: readonly ForeignKey[] = [
  key('VBD', 'VM', 'VM', 'a device of no VM can be neither shown nor destroyed by way of its VM'),
  key('VBD', 'VDI', 'VDI', 'a guest would start on a disk that is gone; an empty drive points at nothing'),
  key('VIF', 'VM', 'VM', 'a device of no VM can be neither shown nor destroyed by way of its VM'),
  key('VIF', 'network', 'network', 'a guest would be plugged into no bridge'),
  key('VDI', 'SR', 'SR', 'the bytes of a disk are found through its storage alone'),
  key('PBD', 'host', 'host', 'the connection of no host can be neither plugged nor unplugged'),
  key('PBD', 'SR', 'SR', 'the connection to no storage can be neither plugged nor unplugged'),
  key('PIF', 'host', 'host', 'an interface of no host carries nothing'),
  key('PIF', 'network', 'network', 'a host would offer a network that nobody can choose'),
  key('console', 'VM', 'VM', 'a console of no VM leads nowhere'),
  key('host_cpu', 'host', 'host', 'a processor of no host is never taken away'),
  key('VM', 'resident_on', 'host', 'a VM that runs nowhere can never be stopped'),
  key(
    'VM',
    'metrics',
    'VM_metrics',
    'clients read the metrics of every VM without asking whether there are any',
  ),
  key('VM', 'guest_metrics', 'VM_guest_metrics', 'clients that see a reference there read it at once'),
  key(
    'PIF',
    'metrics',
    'PIF_metrics',
    'clients read the metrics of every PIF without asking whether there are any',
  ),
  key('host', 'metrics', 'host_metrics', 'liveness of a host is read there'),
];

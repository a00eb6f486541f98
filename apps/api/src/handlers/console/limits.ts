/** The pool's settings of consoles: whether several clients may share one, and how long one may be idle. */
import type { Ref } from '@xenplane/model';
import type { Plane } from '@xenplane/xapi';
import { Refusal } from '../exchange/refusal';
import type { Terminal } from './terminal';

type View = Plane['replica'];
function poolOf(replica: View) {
  const [ref] = replica.refs('pool');
  return ref === undefined ? undefined : replica.stored('pool', ref);
}

/** 503 while somebody else looks and only one may. */
export function assertRoom({ replica }: Plane, terminal: Terminal): void {
  if (terminal.isWatched && poolOf(replica)?.limit_console_sessions)
    throw new Refusal(503, 'Somebody else is at this console, and the pool allows one only');
}

/** How long nothing may be typed; Infinity for as long as one likes. */
export function idleLimitMs({ replica }: Plane, ref: Ref<'VM'>): number {
  const vm = replica.stored('VM', ref);
  const seconds = vm?.is_control_domain
    ? replica.stored('host', vm.resident_on)?.console_idle_timeout
    : poolOf(replica)?.vm_console_idle_timeout;
  return seconds === undefined || seconds <= 0 ? Infinity : seconds * 1000;
}

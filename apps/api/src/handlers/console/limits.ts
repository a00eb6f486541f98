/** The pool's settings of consoles: whether several clients may share one, and how long one may be idle. */
import type { Ref } from '@xenplane/model';
import type { Plane } from '@xenplane/xapi';

type View = Plane['replica'];
function poolOf(replica: View) {
  const [ref] = replica.refs('pool');
  return ref === undefined ? undefined : replica.stored('pool', ref);
}

/** True if only one client may look at a console. */
export const isForOne = ({ replica }: Plane): boolean => poolOf(replica)?.limit_console_sessions === true;

/** How long nothing may be typed; Infinity for as long as one likes. */
export function idleLimitMs({ replica }: Plane, ref: Ref<'VM'>): number {
  const vm = replica.stored('VM', ref);
  const seconds = vm?.is_control_domain
    ? replica.stored('host', vm.resident_on)?.console_idle_timeout
    : poolOf(replica)?.vm_console_idle_timeout;
  return seconds === undefined || seconds <= 0 ? Infinity : seconds * 1000;
}

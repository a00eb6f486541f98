/** Which VM a client wants to look at, and in which language. */
import { asRef, isNullRef, type HandlerName, type Ref } from '@xenplane/model';
import { consoleOwner, type Plane } from '@xenplane/xapi';
import { assertMay, type Exchange } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';
import { notRunning } from './terminal';

export interface Target {
  readonly vm: Ref<'VM'>;
  readonly protocol: 'rfb' | 'vt100';
}

/** By reference or uuid of a console or of a VM; 404 for what is not there or does not run. */
export async function targetOf(exchange: Exchange, handler: HandlerName, hostPart: string): Promise<Target> {
  const { plane, query } = exchange;
  await plane.replica.fresh();
  const [ref, uuid] = [query.get('ref'), query.get('uuid')];
  if (ref === null && uuid === null) throw new Refusal(400, 'A console or a VM must be named by ref or uuid');
  const target = ofConsole(plane, ref, uuid) ?? ofVm(plane, ref, uuid);
  const vm = target && plane.replica.stored('VM', target.vm);
  if (!target || !vm) throw new Refusal(404, 'There is no such console');
  if (vm.is_control_domain) assertMay(exchange, handler, hostPart);
  if (!consoleOwner(plane.replica, target.vm)) throw notRunning();
  return target;
}

function ofConsole({ replica }: Plane, ref: string | null, uuid: string | null): Target | undefined {
  const console = replica.stored('console', ref ?? replica.byUuid('console', uuid ?? '') ?? '');
  return console && !isNullRef(console.VM)
    ? { vm: console.VM, protocol: console.protocol === 'rfb' ? 'rfb' : 'vt100' }
    : undefined;
}

/** The screen, when the VM has one. */
function ofVm({ replica }: Plane, ref: string | null, uuid: string | null): Target | undefined {
  const vm = ref ?? replica.byUuid('VM', uuid ?? '') ?? '';
  if (!replica.has('VM', vm)) return undefined;
  const protocols = replica.pointingAt('console.VM', vm).map((c) => replica.stored('console', c)?.protocol);
  return { vm: asRef(vm), protocol: protocols.includes('rfb') ? 'rfb' : 'vt100' };
}

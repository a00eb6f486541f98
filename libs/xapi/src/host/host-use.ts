/** Preconditions of actions on the whole of a host. */
import { XenError, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { residents } from './evacuation';
import { isHostAlive } from '../tables/runs/host-runs';

export async function isLive(tx: Tx, host: Ref<'host'>): Promise<boolean> {
  return isHostAlive(tx, host);
}

/** Actions that only the host itself can do need a host that answers. */
export async function assertLive(tx: Tx, host: Ref<'host'>): Promise<void> {
  await tx.get('host', host);
  if (!(await isLive(tx, host))) throw new XenError('HOST_OFFLINE', host);
}

/** Neither guests nor disks that Dom0 has open. */
export async function assertUnused(tx: Tx, host: Ref<'host'>): Promise<void> {
  const [vm] = await residents(tx, host);
  if (vm) throw new XenError('HOST_IN_USE', host, 'vm', vm.ref);
  const { control_domain } = await tx.get('host', host);
  const [vbd] = await tx.find('VBD', { VM: control_domain, currently_attached: true });
  if (vbd) throw new XenError('HOST_IN_USE', host, 'vbd', vbd.ref);
}

/** Another network or other addresses for an interface: the record changes, and a running guest is notified. */
import { addresses } from '@xenplane/domain';
import { classes, XenError, type OperationParams, type Ref, type StoredRecord } from '@xenplane/model';
import type { DomainSpec } from '@xenplane/hypervisor';
import type { Row, Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { guestSays } from '../begin/lifecycle-subjects';
import type { RunRow } from '../tables/runs/vm-run';
import { ensure, restore } from '../vm/vm.live';
import { describeRun } from '../vm/vm.pause';

type Patch = Partial<StoredRecord<'VIF'>>;
type Configure = OperationParams<typeof classes.VIF, 'configure_ipv4' | 'configure_ipv6'>;

export const vifConfigure = (plane: Plane) => ({
  move: (run: Run<Tx>, { self, network }: OperationParams<typeof classes.VIF, 'move'>) =>
    change(plane, run, self, (tx, vif) => moved(tx, vif, network)),
  configure_ipv4: (run: Run<Tx>, wish: OperationParams<typeof classes.VIF, 'configure_ipv4'>) =>
    change(plane, run, wish.self, (tx, vif) => configured(tx, vif, wish, 'ipv4')),
  configure_ipv6: (run: Run<Tx>, wish: OperationParams<typeof classes.VIF, 'configure_ipv6'>) =>
    change(plane, run, wish.self, (tx, vif) => configured(tx, vif, wish, 'ipv6')),
});

interface Live {
  readonly placed: RunRow;
  readonly before: DomainSpec;
  readonly after: DomainSpec;
}
interface Begun {
  readonly was: Patch;
  readonly live: Live | null;
}

async function change(
  plane: Plane,
  run: Run<Tx>,
  self: Ref<'VIF'>,
  patchOf: (tx: Tx, vif: Row<'VIF'>) => Promise<Patch>,
): Promise<void> {
  const { live } = await run.commit(
    'store',
    (tx) => begin(tx, self, patchOf),
    (tx, { was }) => tx.update('VIF', self, was),
  );
  if (live)
    await run.step(
      'tell',
      () => ensure(plane, live.placed, live.after),
      () => restore(plane, live.placed, live.before),
    );
  return run.conclude('end', async () => undefined);
}

async function begin(
  tx: Tx,
  self: Ref<'VIF'>,
  patchOf: (tx: Tx, vif: Row<'VIF'>) => Promise<Patch>,
): Promise<Begun> {
  const vif = await tx.lock('VIF', self);
  const { power_state } = await tx.get('VM', vif.VM);
  const runs = power_state === 'Running' && vif.currently_attached;
  const patch = await patchOf(tx, vif);
  const was = Object.fromEntries(Object.keys(patch).map((key) => [key, vif[key as keyof Patch]]));
  const before = runs ? await describeRun(tx, vif.VM) : undefined;
  await tx.update('VIF', self, patch);
  const after = before && (await describeRun(tx, vif.VM));
  return {
    was,
    live: before && after ? { placed: before.placed, before: before.spec, after: after.spec } : null,
  };
}

/** Functions of a card cannot change hands; the host of a VM that runs must be on the network, if any host is. */
async function moved(tx: Tx, vif: Row<'VIF'>, network: Ref<'network'>): Promise<Patch> {
  const { MTU } = await tx.get('network', network);
  const [row] = await tx.query<{ sriov: boolean; host: string | null; here: boolean; anywhere: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM network_sriov s JOIN pif p ON p.ref = s."logical_PIF" WHERE p.network IN ($1, $2)) AS sriov, m.resident_on AS host,
            EXISTS (SELECT 1 FROM pif p WHERE p.network = $2 AND p.host = m.resident_on) AS here, EXISTS (SELECT 1 FROM pif p WHERE p.network = $2) AS anywhere
     FROM vm m WHERE m.ref = $3`,
    [vif.network, network, vif.VM],
  );
  if (row?.sriov && vif.currently_attached)
    throw new XenError('OPERATION_NOT_ALLOWED', 'Cannot move a SR-IOV VIF while it is attached');
  if (vif.currently_attached && row?.host && row.anywhere && !row.here)
    throw new XenError('HOST_CANNOT_ATTACH_NETWORK', row.host, network);
  return { network, MTU };
}

async function configured(
  tx: Tx,
  vif: Row<'VIF'>,
  wish: Configure,
  family: addresses.Family,
): Promise<Patch> {
  const { mode, address, gateway } = wish;
  const fixed = mode === 'Static';
  if (fixed) assertAddress(vif, wish, family);
  if (!(await guestSays(tx, vif.VM, 'feature-static-ip-setting')))
    throw new XenError('VM_LACKS_FEATURE', vif.VM);
  return {
    [`${family}_configuration_mode`]: mode,
    [`${family}_addresses`]: fixed ? [address] : [],
    [`${family}_gateway`]: fixed ? gateway : '',
  };
}

function assertAddress(vif: Row<'VIF'>, { address, gateway }: Configure, family: addresses.Family): void {
  if (!addresses.isCidr(family, address)) throw new XenError('INVALID_CIDR_ADDRESS_SPECIFIED', 'address');
  const bare = address.split('/')[0] ?? '';
  if (vif.locking_mode === 'locked' && !vif[`${family}_allowed`].includes(bare))
    throw new XenError('ADDRESS_VIOLATES_LOCKING_CONSTRAINT', address);
  if (gateway !== '' && !addresses.isAddress(family, gateway))
    throw new XenError('INVALID_IP_ADDRESS_SPECIFIED', 'gateway');
}

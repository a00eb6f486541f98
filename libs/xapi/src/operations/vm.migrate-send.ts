/** A VM goes to a host with its disks and interfaces mapped to other storage and networks: running, at rest, or as a copy. */
import { classes, type OperationParams, type Ref } from '@xenplane/model';
import type { DomainSpec } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { copyRecord } from '../calls/vm-clone';
import { cloneVdi } from '../calls/vdi-clone';
import type { Plane } from '../context';
import { arrive, attachedThere, copyDisks, dropUnused, isElsewhere, journeyOf, type Journey, type Moved, type Sent } from '../journeys';
import type { Move } from '../moves';
import { currentRun, type RunRow } from '../runs';
import { domainSpec, specOf } from '../specs';
import { copyVdi } from '../calls/vdi-clone';
import { ensure, restore } from './vm.live';
import { sendAway } from './vm.migrate-away';
import { carry, claimPlace, showAt, wake } from './vm.migrate';

export const vmMigrateSend = (plane: Plane) => ({
  migrate_send: async (run: Run<Tx>, sent: OperationParams<typeof classes.VM, 'migrate_send'>): Promise<Ref<'VM'>> => {
    if (await run.commit('where', (tx) => isElsewhere(tx, sent))) return sendAway(plane, run, sent);
    const begun = await run.commit(
      'begin',
      (tx) => begin(plane, tx, sent),
      (tx, { moved }) => dropUnused(tx, moved),
    );
    const { journey, moved, move, stay } = begun;
    if (journey.copy) return run.conclude('copy', (tx) => copy(plane, tx, sent.vm, journey));
    const arrived = (tx: Tx): Promise<void> => arrive(tx, sent.vm, journey, moved);
    if (move) return send(plane, run, { move, moved, live: sent.live, arrived });
    if (stay)
      await run.step(
        'mirror',
        () => ensure(plane, stay.placed, stay.after),
        () => restore(plane, stay.placed, stay.before),
      );
    return run.conclude('show', async (tx) => {
      await arrived(tx);
      await dropUnused(tx, moved);
      return sent.vm;
    });
  },
});

interface Begun {
  readonly journey: Journey;
  readonly moved: readonly Moved[];
  /** Of a VM that runs and goes to another host. */
  readonly move?: Move;
  /** Of a VM that runs and stays where it is. */
  readonly stay?: { readonly placed: RunRow; readonly before: DomainSpec; readonly after: DomainSpec };
}

async function begin(plane: Plane, tx: Tx, sent: Sent): Promise<Begun> {
  const journey = await journeyOf(tx, sent);
  const { power_state } = await tx.lock('VM', sent.vm);
  if (journey.copy) return { journey, moved: [] };
  const moved = await copyDisks(plane, tx, journey);
  if (power_state !== 'Running') return { journey, moved };
  const placed = await currentRun(tx, sent.vm);
  const attached = await attachedThere(tx, sent.vm, journey, moved);
  if (placed.host !== journey.host) return { journey, moved, move: await claimPlace(tx, { vm: sent.vm, host: journey.host, source: placed.host, attached }) };
  const record = await tx.get('VM', sent.vm);
  const before = await domainSpec(tx, sent.vm, record, { attached: true });
  return { journey, moved, stay: { placed, before, after: specOf(record, attached) } };
}

interface Sending {
  readonly move: Move;
  readonly moved: readonly Moved[];
  readonly live: boolean;
  readonly arrived: (tx: Tx) => Promise<void>;
}
async function send(plane: Plane, run: Run<Tx>, { move, moved, live, arrived }: Sending): Promise<Ref<'VM'>> {
  await carry(plane, run, move, live);
  const domid = await wake(plane, run, move, arrived);
  return run.conclude('show', async (tx) => {
    await showAt(plane, tx, move, domid);
    await dropUnused(tx, moved);
    return move.ref;
  });
}

async function copy(plane: Plane, tx: Tx, vm: Ref<'VM'>, { disks, nics }: Journey): Promise<Ref<'VM'>> {
  const source = await tx.lock('VM', vm);
  const target = new Map(disks.map((d) => [d.vdi, d.sr]));
  const made = await copyRecord({ plane, tx }, source, {
    name: source.name_label,
    copyDisk: (vdi) => {
      const sr = target.get(vdi.ref) ?? vdi.SR;
      return sr === vdi.SR ? cloneVdi({ plane, tx }, vdi) : copyVdi({ plane, tx }, vdi, sr);
    },
  });
  const devices = new Map(
    (
      await tx.getMany(
        'VIF',
        nics.map((n) => n.vif),
      )
    ).map((vif, i) => [vif.device, nics[i]?.network]),
  );
  for (const vif of await tx.find('VIF', { VM: made })) {
    const network = devices.get(vif.device);
    if (network) await tx.update('VIF', vif.ref, { network });
  }
  return made;
}

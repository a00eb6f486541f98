/**
 * Start and its like on a named host: place the VM in one conditional statement, have the agent boot it, show it running.
 * A host that is lost meanwhile costs another placement, a few times at the most.
 */
import { passthrough, platform } from '@xenplane/domain';
import { asRef, classes, type OperationParams, type Ref, type StoredRecord } from '@xenplane/model';
import type { DomainSpec, VmAnswer } from '@xenplane/hypervisor';
import { reading, type Row, type Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { consoleLocation } from '../core/addressing';
import { Superseded, type PlacedVm } from '../core/agents';
import { raiseVmAlert } from '../core/alerts';
import { ordinaryStrings } from './vm-firmware';
import type { Plane } from '../core/context';
import { freePassedDevices } from '../graphics/device-assignment';
import { forgetGuest, silentGuest } from './guest/guest-metrics';
import { placeVm, type Placed } from '../placement/placement';
import { recordWith } from '../core/records';
import { renewCertificates } from '../pool/secure-boot';
import { attachedTo, specOf } from '../runs/domain-spec';
import { endRun, patienceOf, savedImage, steadfast, unlessGone } from '../tables/runs/vm-run';
import { isCancelRequested } from '../tables/operations/operations';
import { showStarted } from '../tables/runs/started-run';

const mostPlacements = 3;
interface Start {
  readonly vm: Ref<'VM'>;
  readonly start_paused: boolean;
  readonly force?: boolean;
  readonly host?: Ref<'host'>;
  readonly resume?: true;
  readonly after?: (tx: Tx) => Promise<void>;
}
interface Planned extends Placed {
  readonly spec: DomainSpec;
  /** The firmware is to get newer certificates. */
  readonly renew?: true;
}

export const vmStart = (plane: Plane) => ({
  start: (run: Run<Tx>, { vm, start_paused, force }: OperationParams<typeof classes.VM, 'start'>) =>
    bringUp(plane, run, { vm, start_paused, force }),
  start_on: (
    run: Run<Tx>,
    { vm, start_paused, host, force }: OperationParams<typeof classes.VM, 'start_on'>,
  ) => bringUp(plane, run, { vm, start_paused, host, force }),
});

/** Boots or resumes. Each try has steps of its own, so that the journal shows which host it was. */
export async function bringUp(plane: Plane, run: Run<Tx>, start: Start): Promise<void> {
  for (let nth = 1; ; nth += 1) {
    const planned = await place(plane, run, start, nth);
    try {
      const answer = await boot(plane, run, start, planned, nth);
      return await run.conclude(`show ${nth}`, (tx) =>
        show(plane, tx, { ...start, task: asRef(run.ref) }, planned, answer),
      );
    } catch (error) {
      if (!(error instanceof Superseded) || nth === mostPlacements || start.host) throw error;
    }
  }
}

function place(
  plane: Plane,
  run: Run<Tx>,
  { vm, host, resume, force = false }: Start,
  nth: number,
): Promise<Planned> {
  return run.commit(
    `place ${nth}`,
    async (tx) => {
      const [record, attached] = await Promise.all([tx.get('VM', vm), attachedTo(tx, vm)]);
      if (record.power_state !== restOf(resume) || (nth > 1 && (await isCancelRequested(tx, run.ref))))
        throw new Superseded(vm);
      const refused =
        passthrough.refusePci(record.other_config) ??
        (resume
          ? platform.refuseToBuild(record)
          : platform.refuseToStart(record, { vusbs: attached.usbGroups.length, force }));
      const placed = await placeVm(plane, tx, {
        vm,
        record,
        attached,
        task: asRef(run.ref),
        only: host,
        refused,
      });
      if (!resume) prepare(tx, record);
      return { ...placed, spec: specOf(record, attached), ...renewal(record) };
    },
    async (tx, placed) => {
      await endRun(tx, vm, placed.vmEpoch);
      await tx.query('UPDATE vm SET scheduled_to_be_resident_on = NULL WHERE ref = $1', [vm]);
      await freePassedDevices(tx, [vm]);
    },
  );
}

/** The power state of the VM until it is shown to be up; in any other, something has overtaken the operation. */
const restOf = (resume: true | undefined): 'Suspended' | 'Halted' => (resume ? 'Suspended' : 'Halted');

/** The guest of an earlier run is forgotten, the device model is named, and so is whether secure boot is on where the pool decides it. */
function prepare(tx: Tx, record: Row<'VM'>): void {
  forgetGuest(tx, record);
  const settings = platform.platformToStart(record);
  if (settings !== record.platform)
    tx.leave('UPDATE vm SET platform = $2 WHERE ref = $1', [record.ref, JSON.stringify(settings)]);
  if (settings['secureboot'] === 'auto') tx.leave(decideSecureBoot, [record.ref]);
}
/** `auto` is on when the pool has certificates. */
const decideSecureBoot = `UPDATE vm SET platform = platform || jsonb_build_object('secureboot', (SELECT (uefi_certificates <> '')::text FROM pool)) WHERE ref = $1`;

const renewal = (vm: StoredRecord<'VM'>): Pick<Planned, 'renew'> =>
  vm.secureboot_certificates_state === 'update_on_boot' ? { renew: true } : {};

function boot(plane: Plane, run: Run<Tx>, start: Start, planned: Planned, nth: number): Promise<VmAnswer> {
  const state = start.start_paused ? ('paused' as const) : ('running' as const);
  return run.step(
    `boot ${nth}`,
    async () => {
      const saved = start.resume ? await reading(plane.store, (tx) => savedImage(tx, start.vm)) : undefined;
      return plane.agents.ensure(
        planned,
        { state, spec: planned.spec, boots: 1, ...(saved ? { saved } : {}) },
        patienceOf(run),
      );
    },
    () => stopDomain(plane, planned),
  );
}

/** Makes sure that no domain of this placement runs or will run; a placement that is over needs no more. */
export async function stopDomain(plane: Plane, placed: PlacedVm): Promise<void> {
  await plane.agents.ensure(placed, { state: 'stopped', how: 'hard' }, steadfast).catch(unlessGone);
}

/** One statement for all that a start shows, one for the consoles. */
async function show(
  plane: Plane,
  tx: Tx,
  { vm, start_paused, resume, after, task }: Start & { readonly task: Ref<'task'> },
  placed: Planned,
  answer: VmAnswer,
): Promise<void> {
  const { spec } = placed;
  const silent = silentGuest(plane);
  const shown = await showStarted(tx, {
    vm,
    task,
    placed,
    domid: answer.domid ?? -1,
    boots: answer.boots ?? 1,
    powerState: start_paused ? 'Paused' : 'Running',
    rested: restOf(resume),
    spec,
    biosStrings: ordinaryStrings,
    silentMetrics: silent.ref,
  });
  if (!shown) throw new Superseded(placed.vm, placed.host);
  if (placed.renew && !resume) await renewCertificates(tx, vm);
  await Promise.all([
    ...(shown.silent ? [tx.insert('VM_guest_metrics', silent.ref, silent.record)] : []),
    addConsoles(plane, tx, vm, consolesOf(spec.mode, shown.withoutScreen), shown.address),
    tellStarted(plane, tx, vm, resume === true, placed.host),
  ]);
  await after?.(tx);
}

const tellStarted = (
  plane: Plane,
  tx: Tx,
  vm: Ref<'VM'>,
  resumed: boolean,
  host: Ref<'host'>,
): Promise<void> =>
  raiseVmAlert(tx, plane, {
    vm,
    name: resumed ? 'VM_RESUMED' : 'VM_STARTED',
    text: resumed ? 'was resumed' : 'was started',
    host,
  });

type Protocol = 'rfb' | 'vt100';
/** A guest with a device model has its screen; any other has a text console, which is drawn as a screen too unless its settings forbid that. */
const consolesOf = (mode: DomainSpec['mode'], withoutScreen: boolean): readonly Protocol[] =>
  mode === 'hvm' ? ['rfb'] : withoutScreen ? ['vt100'] : ['rfb', 'vt100'];

async function addConsoles(
  plane: Plane,
  tx: Tx,
  vm: Ref<'VM'>,
  protocols: readonly Protocol[],
  address: string,
): Promise<void> {
  await tx.insertAll(
    'console',
    protocols.map((protocol) => {
      const uuid = plane.ids.uuid();
      return {
        ref: asRef<'console'>(`OpaqueRef:${uuid}`),
        ...recordWith('console', { uuid, protocol, VM: vm, location: consoleLocation(address, uuid) }),
      };
    }),
  );
}

/** What single operations ask besides what their declaration and their lifecycle say. */
import { asRef, type classes } from '@xenplane/model';
import type { Context, Plane } from '../core/context';
import { assertHostLive, assertMayGoDown } from '../host/host-admission';
import { logInToJoin, type JoinParams } from '../pool-join/sealed-session';
import { copyable, migratable } from '../storage/vdi-move';
import { assertDisksFree, assertEmulated, assertMayStartOn } from '../vm/vm-admission';
import { assertMayCopyKeys, assertMayRevertKeys } from '../vm/vm-keys';

type Classes = typeof classes;
/** `VM.start` and so on: the messages that the model declares as operations. */
export type OperationName = {
  [C in keyof Classes & string]: {
    [K in keyof Classes[C]['calls'] & string]: Classes[C]['calls'][K] extends { readonly runs: 'operation' }
      ? `${C}.${K}`
      : never;
  }[keyof Classes[C]['calls'] & string];
}[keyof Classes & string];

type Args = Readonly<Record<string, unknown>>;
export interface Sealed {
  readonly args: Args;
  /** Kept in the operation's context under this name. */
  readonly sealed: Args;
}
export interface OperationRules {
  /** Refuses it in the transaction that begins it, with its objects locked. */
  readonly admit?: (context: Context, args: Args) => Promise<void>;
  /** It ends what is under way on its VM. */
  readonly preempts?: true;
  /** The power state that its VM has until it ends; otherwise one that runs. */
  readonly rests?: 'Halted' | 'Suspended' | 'Paused';
  /** Exchanges arguments that may not be written down for others that may, before it is accepted. */
  readonly seal?: (plane: Plane, args: Args) => Promise<Sealed>;
}

const sealedJoin =
  (force: boolean) =>
  async (plane: Plane, args: Args): Promise<Sealed> => ({
    sealed: { session: await logInToJoin(plane, args as Args & JoinParams, force) },
    args: { ...args, master_password: '' },
  });

const rules: Readonly<Partial<Record<OperationName, OperationRules>>> = {
  'VM.start': { admit: assertDisksFree, rests: 'Halted' },
  'VM.start_on': { admit: assertMayStartOn, rests: 'Halted' },
  'VM.resume': { admit: assertDisksFree, rests: 'Suspended' },
  'VM.resume_on': { admit: assertMayStartOn, rests: 'Suspended' },
  'VM.unpause': { rests: 'Paused' },
  'VM.hard_shutdown': { preempts: true },
  'VM.hard_reboot': { preempts: true },
  'VM.restart_device_models': { admit: assertEmulated },
  'VM.copy': {
    admit: ({ tx, session }, args) => assertMayCopyKeys({ tx, session }, 'copy', asRef(String(args['vm']))),
  },
  'VM.revert': {
    admit: ({ tx, session }, args) => assertMayRevertKeys({ tx, session }, asRef(String(args['snapshot']))),
  },
  'VDI.copy': { admit: copyable },
  'VDI.pool_migrate': { admit: migratable },
  'host.shutdown': { admit: assertMayGoDown },
  'host.reboot': { admit: assertMayGoDown },
  'host.restart_agent': { admit: assertHostLive },
  'host.dmesg': { admit: assertHostLive },
  'host.bugreport_upload': { admit: assertHostLive },
  'host.send_debug_keys': { admit: assertHostLive },
  'pool.join': { seal: sealedJoin(false) },
  'pool.join_force': { seal: sealedJoin(true) },
};
const byName: ReadonlyMap<string, OperationRules> = new Map(Object.entries(rules));
const none: OperationRules = {};

export const rulesOf = (method: string): OperationRules => byName.get(method) ?? none;

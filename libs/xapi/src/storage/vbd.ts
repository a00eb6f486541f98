import { vdiLifecycle } from '@xenplane/domain';
import {
  asRef,
  classes,
  isNullRef,
  nullRef,
  XenError,
  type CallsOf,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import type { Row } from '@xenplane/store';
import { admitVbd } from '../begin/admission';
import { assertStaysAgile } from '../placement/agility';
import { assertHostHas } from './pbd';
import type { Context } from '../core/context';
import { recordWith } from '../core/records';
import { deviceName } from '../runs/domain-spec';

type Vbd = StoredRecord<'VBD'>;

/** Device numbers: plain, or `hda`, `xvda` as older tools write them; `autodetect` takes the first that is free. */
async function chooseDevice({ tx }: Context, vm: Ref<'VM'>, wanted: string): Promise<string> {
  const used = new Set((await tx.find('VBD', { VM: vm })).map((v) => v.userdevice));
  if (wanted === 'autodetect') {
    const free = Array.from({ length: 255 }, (_, i) => String(i)).find((d) => !used.has(d));
    if (free === undefined) throw new XenError('INVALID_DEVICE', wanted);
    return free;
  }
  const named = /^(?:hd|xvd|sd)([a-z])$/.exec(wanted);
  const device = named ? String((named[1] ?? 'a').charCodeAt(0) - 97) : wanted;
  if (!/^\d{1,3}$/.test(device) || Number(device) > 254) throw new XenError('INVALID_DEVICE', wanted);
  if (used.has(device)) throw new XenError('DEVICE_ALREADY_EXISTS', device);
  return device;
}

export async function createVbd(
  context: Context,
  given: Partial<Vbd> & Pick<Vbd, 'VM' | 'userdevice' | 'type' | 'mode' | 'empty'>,
): Promise<Ref<'VBD'>> {
  const { tx, plane } = context;
  const vm = await tx.lock('VM', given.VM);
  const VDI = given.empty || !given.VDI || isNullRef(given.VDI) ? nullRef<'VDI'>() : given.VDI;
  const vdi = given.empty ? undefined : await tx.get('VDI', VDI);
  const refused = vdi && vdiLifecycle.refuseDevice(VDI, vdi.type);
  if (refused) throw refused;
  if (vdi && !vdi.managed) throw new XenError('VDI_NOT_MANAGED', VDI);
  if (given.type === 'CD' && given.mode === 'RW') throw new XenError('VBD_CDS_MUST_BE_READONLY');
  if (given.type !== 'CD' && given.empty) throw new XenError('VBD_NOT_REMOVABLE_MEDIA', 'in constructor');
  if (vdi && given.type === 'CD') await assertMedium(context, vdi);
  if (vdi?.read_only && given.mode === 'RW') throw new XenError('VDI_READONLY', VDI);
  assertStays(vm);
  const userdevice = await chooseDevice(context, given.VM, given.userdevice);
  if (vdi) await assertStaysAgile(tx, vm, { sr: vdi.SR });
  const uuid = plane.ids.uuid(),
    ref = asRef<'VBD'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'VBD',
    ref,
    recordWith('VBD', {
      ...given,
      uuid,
      VDI,
      userdevice,
      device: '',
      currently_attached: false,
      unpluggable: given.unpluggable ?? true,
      empty: isNullRef(VDI),
    }),
  );
  return ref;
}

async function destroy(context: Context, self: Ref<'VBD'>): Promise<void> {
  const vbd = await context.tx.lock('VBD', self);
  if (vbd.currently_attached)
    throw new XenError('OPERATION_NOT_ALLOWED', `VBD '${vbd.uuid}' still attached to '${vbd.VM}'`);
  await context.tx.remove('VBD', self);
}

/** A disk for a removable drive lies in a repository of such. */
async function assertMedium({ tx }: Context, { ref, SR }: Row<'VDI'>): Promise<void> {
  const { content_type } = await tx.get('SR', SR);
  if (content_type !== 'iso') throw new XenError('VDI_IS_NOT_ISO', ref, content_type);
}

/** The devices of a VM are counted before it leaves its host. */
function assertStays({ ref, current_operations }: Row<'VM'>): void {
  const leaving = Object.entries(current_operations).find(
    ([, op]) => op === 'pool_migrate' || op === 'migrate_send',
  );
  if (leaving) throw new XenError('OTHER_OPERATION_IN_PROGRESS', 'VM', ref, leaving[1], leaving[0]);
}

async function insert(context: Context, self: Ref<'VBD'>, vdi: Ref<'VDI'>): Promise<void> {
  const { VM } = await admitVbd(context, self, 'insert');
  const medium = await context.tx.get('VDI', vdi);
  await assertMedium(context, medium);
  if (!medium.managed) throw new XenError('VDI_NOT_MANAGED', vdi);
  const vm = await context.tx.get('VM', VM);
  if (!isNullRef(vm.resident_on)) await assertHostHas(context.tx, vm.resident_on, medium.SR);
  await assertStaysAgile(context.tx, vm, { sr: medium.SR });
  await context.tx.update('VBD', self, { VDI: vdi, empty: false });
}

/** Traffic was halted for storage of a kind that no host has any more. */
async function refusePause({ tx }: Context, self: Ref<'VBD'>): Promise<never> {
  const { VDI } = await tx.get('VBD', self);
  throw new XenError('SR_OPERATION_NOT_SUPPORTED', (await tx.get('VDI', VDI)).SR);
}

export const vbdCalls: CallsOf<typeof classes.VBD, Context> = {
  insert: (context, { vbd, vdi }) => insert(context, vbd, vdi),
  eject: async (context, { vbd }) => {
    await admitVbd(context, vbd, 'eject');
    await context.tx.update('VBD', vbd, { VDI: nullRef(), empty: true });
  },
  pause: (context, { self }) => refusePause(context, self),
  unpause: (context, { self }) => refusePause(context, self),
  assert_attachable: async (context, { self }) => void (await admitVbd(context, self, 'attach')),
  set_mode: async ({ tx }, { self, value }) => {
    const vbd = await tx.lock('VBD', self);
    const { power_state } = await tx.get('VM', vbd.VM);
    if (power_state !== 'Halted')
      throw new XenError('VM_BAD_POWER_STATE', vbd.VM, 'halted', power_state.toLowerCase());
    if (vbd.type === 'CD' && value === 'RW') throw new XenError('VBD_CDS_MUST_BE_READONLY');
    await tx.update('VBD', self, { mode: value });
  },
};

export const vbdOverrides = {
  create: (context: Context, { args }: { args: Vbd }) => createVbd(context, args),
  destroy: (context: Context, { self }: { self: Ref<'VBD'> }) => destroy(context, self),
};
export { deviceName };

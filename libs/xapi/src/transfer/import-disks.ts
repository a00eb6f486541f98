/** The storage side of an import: repositories are found, disks are made in the one that was chosen or found where they should be. */
import { nullRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { OvaObject } from '@xenplane/wire';
import { createVdi } from '../storage/vdi';
import { recordWith } from '../core/records';
import { imageKeys } from '../runs/domain-spec';
import { recordIn, type ImportState } from './import-state';

export async function importHost(state: ImportState, { id, snapshot }: OvaObject): Promise<void> {
  const [host] = await state.context.tx.find('host', { uuid: recordIn<'host'>(snapshot).uuid });
  if (host) state.know('host', id, host.ref);
}

export async function importSr(state: ImportState, { id, snapshot }: OvaObject): Promise<void> {
  const [sr] = await state.context.tx.find('SR', { uuid: recordIn<'SR'>(snapshot).uuid });
  if (sr) state.know('SR', id, sr.ref);
}

export async function importVdi(state: ImportState, object: OvaObject): Promise<void> {
  const vdi = recordIn<'VDI'>(object.snapshot);
  const use = useOf(state, object.id);
  const { sr } = state.options;
  const isSent = use === 'disk' && state.options.vdis?.has(vdi.uuid);
  if (use === 'cd' || isSent || sr === undefined || state.described('SR', vdi.SR)?.content_type === 'iso') {
    const found = await findVdi(state, vdi);
    if (found) state.know('VDI', object.id, found);
    return;
  }
  if (use === undefined) return;
  // The disk of a suspended VM's memory is made with the VM.
  const ref = use === 'disk' ? await makeVdi(state, object, sr) : null;
  if (ref) state.know('VDI', object.id, ref);
  state.made.disks.push({ id: object.id, size: vdi.virtual_size, ref, readOnly: vdi.read_only });
}

/** True if the archive has the disk's contents: it has, unless only drives use it. */
function useOf({ ova }: ImportState, id: string): 'disk' | 'cd' | 'memory' | undefined {
  const devices = ova.objects
    .flatMap((o) => (o.class === 'VBD' ? [recordIn<'VBD'>(o.snapshot)] : []))
    .filter((vbd) => vbd.VDI === id);
  if (devices.some((vbd) => vbd.type !== 'CD')) return 'disk';
  if (ova.objects.some((o) => o.class === 'VM' && recordIn<'VM'>(o.snapshot).suspend_VDI === id))
    return 'memory';
  return devices.length > 0 ? 'cd' : undefined;
}

async function findVdi(
  { context: { tx }, options }: ImportState,
  vdi: StoredRecord<'VDI'>,
): Promise<Ref<'VDI'> | undefined> {
  const uuid = options.vdis?.get(vdi.uuid) ?? vdi.uuid;
  const [byUuid] = await tx.find('VDI', { uuid });
  if (byUuid) return byUuid.ref;
  const isos = new Set((await tx.find('SR', { content_type: 'iso' })).map((sr) => sr.ref));
  return (await tx.find('VDI', { location: vdi.location })).find((other) => isos.has(other.SR))?.ref;
}

async function makeVdi(state: ImportState, object: OvaObject, SR: Ref<'SR'>): Promise<Ref<'VDI'>> {
  state.assertMay(object);
  const {
    name_label,
    name_description,
    virtual_size,
    type,
    sharable,
    xenstore_data,
    tags,
    allow_caching,
    on_boot,
    ...vdi
  } = recordIn<'VDI'>(object.snapshot);
  const given = {
    SR,
    name_label,
    name_description,
    virtual_size,
    type,
    sharable,
    xenstore_data,
    tags,
    allow_caching,
  };
  const task = state.context.task ?? nullRef<'task'>();
  const other_config = { ...vdi.other_config, import_task: task };
  // The source of a template's disk comes along with its contents.
  const boot = imageKeys.digest in vdi.sm_config ? 'persist' : on_boot;
  return createVdi(state.context, {
    ...given,
    read_only: false,
    other_config,
    on_boot: boot,
    current_operations: { [task]: 'blocked' },
  });
}

export async function importVbd(state: ImportState, object: OvaObject): Promise<void> {
  const { context, options } = state;
  const vbd = recordIn<'VBD'>(object.snapshot);
  const vdi = state.find('VDI', vbd.VDI);
  if (vbd.type !== 'CD' && !vbd.empty && !vdi) {
    if (!options.force) throw new XenError('IMPORT_ERROR_ATTACHED_DISKS_NOT_FOUND');
    return;
  }
  state.assertMay(object);
  const { uuid, ref } = state.newRef('VBD');
  const {
    userdevice,
    bootable,
    mode,
    type,
    unpluggable,
    other_config,
    qos_algorithm_type,
    qos_algorithm_params,
  } = vbd;
  const kept = {
    userdevice,
    bootable,
    mode,
    type,
    unpluggable,
    other_config,
    qos_algorithm_type,
    qos_algorithm_params,
  };
  const VM = state.needed('VM', vbd.VM);
  await context.tx.insert(
    'VBD',
    ref,
    recordWith('VBD', { ...kept, uuid, VM, VDI: vdi ?? nullRef(), empty: !vdi }),
  );
}

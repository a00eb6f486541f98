/**
 * Updates that come as a disk. What the update is stands in its `update.xml`, which for disks of simulated storage is kept
 * in the disk's other_config under that name. Each update has a pool_patch beside it for clients of the old kind.
 */
import {
  asRef,
  enums,
  nullRef,
  XenError,
  type CallsOf,
  type classes,
  type Ref,
  type StoredRecord,
  type TypeOf,
} from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { dateTime, type Context, type Plane, type Session } from '../../core/context';
import { recordWith } from '../../core/records';
import { assertLive } from '../../host/host-use';
import { hostRefs } from '../pool-record';
import { removeVdi } from '../../storage/vdi-clone';
import { isHostAlive } from '../../tables/runs/host-runs';

type Update = StoredRecord<'pool_update'>;
type Guidance = TypeOf<typeof enums.update_after_apply_guidance>;
const xmlKey = 'update.xml';
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};
const plain = (text: string): string => text.replace(/&(lt|gt|quot|apos|amp);/g, (e) => entities[e] ?? e);

type Described = Pick<
  Update,
  | 'uuid'
  | 'name_label'
  | 'name_description'
  | 'version'
  | 'installation_size'
  | 'key'
  | 'after_apply_guidance'
  | 'enforce_homogeneity'
>;
/** Reads the head of an update.xml; INVALID_UPDATE says what is wrong with it. */
export function describedBy(xml: string): Described {
  const head = /<update\s([^<>]*)>/.exec(xml)?.[1];
  if (head === undefined) throw new XenError('INVALID_UPDATE', 'There is no update element');
  const attribute = (name: string): string =>
    plain(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(head)?.[1] ?? '');
  const uuid = attribute('uuid').toLowerCase(),
    size = Number(attribute('installation-size') || '0');
  if (!uuidForm.test(uuid)) throw new XenError('INVALID_UPDATE', 'The update has no uuid');
  if (attribute('name-label') === '') throw new XenError('INVALID_UPDATE', 'The update has no name');
  if (!Number.isSafeInteger(size) || size < 0)
    throw new XenError('INVALID_UPDATE', 'The size of the update is no number');
  const guidance = attribute('after-apply-guidance')
    .split(/[\s,]+/)
    .filter((g) => g !== '');
  const known = (g: string): g is Guidance => enums.update_after_apply_guidance.values?.includes(g) ?? false;
  if (!guidance.every(known)) throw new XenError('INVALID_UPDATE', 'The update asks for what no host can do');
  return {
    uuid,
    name_label: attribute('name-label'),
    name_description: plain(/<name-description>([^<]*)<\/name-description>/.exec(xml)?.[1] ?? ''),
    version: attribute('version'),
    installation_size: size,
    key: attribute('key'),
    after_apply_guidance: guidance.filter(known),
    enforce_homogeneity: attribute('enforce-homogeneity') === 'true',
  };
}

export async function introduceUpdate({ tx, plane }: Context, vdi: Ref<'VDI'>): Promise<Ref<'pool_update'>> {
  const disk = await tx.lock('VDI', vdi);
  const xml = disk.other_config[xmlKey];
  if (xml === undefined) throw new XenError('INVALID_UPDATE', `The disk holds no ${xmlKey}`);
  const described = describedBy(xml);
  const [known] = await tx.find('pool_update', { uuid: described.uuid });
  if (known) {
    if (known.name_label !== described.name_label || known.version !== described.version)
      throw new XenError('UPDATE_ALREADY_EXISTS', described.uuid);
    await tx.update('pool_update', known.ref, { vdi });
    return known.ref;
  }
  const ref = asRef<'pool_update'>(`OpaqueRef:${described.uuid}`),
    patch = plane.ids.uuid();
  await tx.insert('pool_update', ref, recordWith('pool_update', { ...described, vdi }));
  const { name_label, name_description, version, installation_size, after_apply_guidance } = described;
  await tx.insert(
    'pool_patch',
    asRef<'pool_patch'>(`OpaqueRef:${patch}`),
    recordWith('pool_patch', {
      uuid: patch,
      name_label,
      name_description,
      version,
      size: installation_size,
      after_apply_guidance,
      pool_update: ref,
    }),
  );
  return ref;
}

async function appliedOn({ tx }: Context, update: Ref<'pool_update'>): Promise<ReadonlySet<string>> {
  return new Set(
    (await tx.query<{ ref: string }>('SELECT ref FROM host WHERE $1 = ANY(updates)', [update])).map(
      (r) => r.ref,
    ),
  );
}

/** The precheck of a host for an update. Nothing here can be patched while it runs. */
async function check(
  { tx }: Context,
  update: Update,
  host: Ref<'host'>,
  ref: Ref<'pool_update'>,
): Promise<void> {
  const { updates } = await tx.lock('host', host);
  if (updates.includes(ref)) throw new XenError('UPDATE_ALREADY_APPLIED', ref);
  if (!(await isHostAlive(tx, host))) throw new XenError('HOST_OFFLINE', host);
  const [room] = await tx.query<{ free: number }>(
    `SELECT coalesce(max(s.physical_size - s.physical_utilisation), 0) AS free FROM pbd p JOIN sr s ON s.ref = p."SR" WHERE p.host = $1 AND NOT s.shared AND p.currently_attached`,
    [host],
  );
  const free = Number(room?.free ?? 0);
  if (update.installation_size > free)
    throw new XenError(
      'UPDATE_PRECHECK_FAILED_OUT_OF_SPACE',
      ref,
      String(free),
      String(update.installation_size),
    );
}

async function patchOf({ tx }: Context, update: Ref<'pool_update'>): Promise<Ref<'pool_patch'> | undefined> {
  return (await tx.find('pool_patch', { pool_update: update }))[0]?.ref;
}

export async function applyUpdate(
  context: Context,
  self: Ref<'pool_update'>,
  host: Ref<'host'>,
): Promise<void> {
  const { tx, plane } = context;
  const update = await tx.get('pool_update', self);
  await check(context, update, host, self);
  const { updates, updates_requiring_reboot } = await tx.get('host', host);
  const reboot = update.after_apply_guidance.includes('restartHost');
  const now = dateTime(plane.clock.now());
  await tx.update('host', host, {
    updates: [...updates, self],
    updates_requiring_reboot: reboot ? [...updates_requiring_reboot, self] : updates_requiring_reboot,
    last_software_update: now,
  });
  await recordOnHost(context, update, self, host, now);
}

async function recordOnHost(
  context: Context,
  update: Update,
  self: Ref<'pool_update'>,
  host: Ref<'host'>,
  now: string,
): Promise<void> {
  const { tx, plane } = context;
  const patch = await patchOf(context, self),
    uuid = plane.ids.uuid();
  await tx.insert(
    'host_patch',
    asRef<'host_patch'>(`OpaqueRef:${uuid}`),
    recordWith('host_patch', {
      uuid,
      host,
      name_label: update.name_label,
      name_description: update.name_description,
      version: update.version,
      applied: true,
      timestamp_applied: now,
      size: update.installation_size,
      pool_patch: patch ?? nullRef(),
    }),
  );
  const done = (await appliedOn(context, self)).size === (await hostRefs(context)).length;
  if (patch && done) await tx.update('pool_patch', patch, { pool_applied: true });
}

export async function applyEverywhere(context: Context, self: Ref<'pool_update'>): Promise<void> {
  await context.tx.lock('pool_update', self);
  const done = await appliedOn(context, self);
  const lacking = (await hostRefs(context)).filter((h) => !done.has(h));
  if (lacking.length === 0) throw new XenError('UPDATE_ALREADY_APPLIED_IN_POOL', self);
  for (const host of lacking) await applyUpdate(context, self, host);
}

/** The disk goes, the record stays. */
export async function cleanUpdate({ tx }: Context, self: Ref<'pool_update'>): Promise<void> {
  const { vdi } = await tx.lock('pool_update', self);
  const [disk] = await tx.getMany('VDI', [vdi]);
  if (disk) {
    if ((await tx.find('VBD', { VDI: disk.ref })).some((b) => b.currently_attached))
      throw new XenError('VDI_IN_USE', disk.ref, 'destroy');
    await tx.query('UPDATE vbd SET "VDI" = NULL, empty = true WHERE "VDI" = $1', [disk.ref]);
    await removeVdi(tx, disk);
  }
  await tx.update('pool_update', self, { vdi: nullRef() });
}

export async function destroyUpdate(context: Context, self: Ref<'pool_update'>): Promise<void> {
  await context.tx.lock('pool_update', self);
  if ((await appliedOn(context, self)).size > 0) throw new XenError('UPDATE_IS_APPLIED');
  await cleanUpdate(context, self);
  const patch = await patchOf(context, self);
  if (patch) await context.tx.remove('pool_patch', patch);
  await context.tx.remove('pool_update', self);
}

export const poolUpdateCalls: CallsOf<typeof classes.pool_update, Context> = {
  introduce: (context, { vdi }) => introduceUpdate(context, vdi),
  precheck: async (context, { self, host }) => {
    await check(context, await context.tx.get('pool_update', self), host, self);
    return 'ok';
  },
  apply: (context, { self, host }) => applyUpdate(context, self, host),
  pool_apply: (context, { self }) => applyEverywhere(context, self),
  pool_clean: (context, { self }) => cleanUpdate(context, self),
  destroy: (context, { self }) => destroyUpdate(context, self),
  /** The record of a host is what it has. */
  resync_host: ({ tx }, { host }) => assertLive(tx, host),
};

/** The update that a patch of the old kind stands for. */
export async function updateOf({ tx }: Context, patch: Ref<'pool_patch'>): Promise<Ref<'pool_update'>> {
  const { pool_update } = await tx.get('pool_patch', patch);
  const [update] = await tx.getMany('pool_update', [pool_update]);
  if (!update) throw new XenError('CANNOT_FIND_PATCH');
  return update.ref;
}
export const precheckUpdate = async (
  context: Context,
  update: Ref<'pool_update'>,
  host: Ref<'host'>,
): Promise<void> => check(context, await context.tx.get('pool_update', update), host, update);

/** A disk that has just been filled becomes a patch; its description lies in its contents. */
export async function introducePatch(
  plane: Plane,
  session: Session,
  vdi: Ref<'VDI'>,
  xml: string,
): Promise<Ref<'pool_patch'>> {
  return inTransaction(plane.store, async (tx) => {
    const context = { plane, session, tx, task: undefined };
    const { uuid, name_label } = describedBy(xml);
    if ((await tx.find('pool_update', { uuid })).length > 0) throw new XenError('PATCH_ALREADY_EXISTS', uuid);
    await tx.update('VDI', vdi, { name_label, other_config: { [xmlKey]: xml } });
    const patch = await patchOf(context, await introduceUpdate(context, vdi));
    if (!patch) throw new XenError('CANNOT_FIND_PATCH');
    return patch;
  });
}

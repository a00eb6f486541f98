import { asRef, classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { admitSr } from '../begin/admission';
import type { Context } from '../core/context';
import { changeSecrets, dropSecrets, keepSecrets } from './device-secrets';
import { driver } from './drivers';
import { recordWith } from '../core/records';
import { assertThere } from './sr-create';
import { scan } from './sr-scan';

/** A disk of the repository that a VM on this host uses keeps the connection up, and so does one that work is under way on. */
async function unplug(context: Context, self: Ref<'PBD'>): Promise<void> {
  const { tx } = context;
  const pbd = await tx.lock('PBD', self);
  if (!pbd.currently_attached) return;
  await admitSr(context, pbd.SR, 'unplug');
  const [statefile] = await tx.query(
    'SELECT d.ref FROM vdi d JOIN pool p ON p.ha_enabled AND p.ha_statefiles ? d.ref WHERE d."SR" = $1',
    [pbd.SR],
  );
  if (statefile) throw new XenError('HA_IS_ENABLED');
  const used = await tx.query<{ ref: string }>(
    `SELECT DISTINCT d.ref FROM vdi d JOIN vbd b ON b."VDI" = d.ref AND b.currently_attached JOIN vm v ON v.ref = b."VM" AND v.resident_on = $2 WHERE d."SR" = $1 AND d.type <> 'metadata' ORDER BY d.ref`,
    [pbd.SR, pbd.host],
  );
  if (used.length > 0) throw new XenError('VDI_IN_USE', ...used.map((disk) => disk.ref));
  await assertIdle(context, pbd.SR);
  await tx.update('PBD', self, { currently_attached: false });
}

async function assertIdle({ tx }: Context, sr: Ref<'SR'>): Promise<void> {
  const [busy] = await tx.query<{ ref: string; task: string; op: string }>(
    `SELECT d.ref, c.key AS task, c.value AS op FROM vdi d, jsonb_each_text(d.current_operations) c WHERE d."SR" = $1 LIMIT 1`,
    [sr],
  );
  if (busy) throw new XenError('OTHER_OPERATION_IN_PROGRESS', 'VDI', busy.ref, busy.op, busy.task);
}

/** The host finds the storage, and on it this very repository; the records follow what lies there. */
async function plug(context: Context, self: Ref<'PBD'>): Promise<void> {
  const { tx } = context;
  const pbd = await tx.lock('PBD', self);
  if (pbd.currently_attached) return;
  const sr = await admitSr(context, pbd.SR, 'plug');
  const { uuid } = await tx.get('host', pbd.host);
  await assertAlive(context, pbd.host);
  const kind = driver(sr.type);
  await assertOnlyHere(context, sr, pbd);
  const place = kind.locate(pbd.device_config, uuid);
  await assertThere(tx, kind, sr, place);
  await tx.update('PBD', self, { currently_attached: true });
  const sm_config = { ...kind.smConfig, ...sr.sm_config };
  await tx.update('SR', sr.ref, {
    sm_config,
    ...(sr.physical_size <= 0 && place.bytes > 0 ? { physical_size: place.bytes } : {}),
  });
  await scan(tx, sr.ref);
}

async function assertAlive({ tx }: Context, host: Ref<'host'>): Promise<void> {
  const [row] = await tx.query<{ live: boolean }>(
    'SELECT m.live FROM host h JOIN host_metrics m ON m.ref = h.metrics WHERE h.ref = $1',
    [host],
  );
  if (!row?.live) throw new XenError('HOST_OFFLINE', host);
}

/** A repository that is not shared is plugged on one host at a time. */
async function assertOnlyHere({ tx }: Context, sr: Row<'SR'>, { ref }: Row<'PBD'>): Promise<void> {
  const [other] = sr.shared
    ? []
    : (await tx.find('PBD', { SR: sr.ref, currently_attached: true })).filter((p) => p.ref !== ref);
  if (other) throw new XenError('SR_NOT_SHARABLE', sr.ref, other.host);
}

/** A key that the control plane alone gives. */
function assertNoMaster(config: StoredRecord<'PBD'>['device_config']): void {
  const master = config['SRmaster'];
  if (master !== undefined)
    throw new XenError('VALUE_NOT_SUPPORTED', 'SRmaster', master, 'The key is for internal use');
}

type NewPbd = Pick<StoredRecord<'PBD'>, 'host' | 'SR' | 'device_config'> & Partial<StoredRecord<'PBD'>>;
async function create(context: Context, given: NewPbd): Promise<Ref<'PBD'>> {
  const { tx, plane } = context;
  await tx.get('host', given.host);
  await admitSr(context, given.SR, 'pbd_create');
  const [present] = await tx.find('PBD', { SR: given.SR, host: given.host });
  if (present) throw new XenError('PBD_EXISTS', given.SR, given.host, present.ref);
  assertNoMaster(given.device_config);
  const [device_config = {}] = await keepSecrets(context, given.device_config, 1);
  const uuid = plane.ids.uuid(),
    ref = asRef<'PBD'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'PBD',
    ref,
    recordWith('PBD', { ...given, device_config, uuid, currently_attached: false }),
  );
  return ref;
}

/** A VM that runs is given disks only of repositories that its host has, as a start looks for such a host. */
export async function assertHostHas(tx: Tx, host: Ref<'host'>, SR: Ref<'SR'>): Promise<void> {
  const [pbd] = await tx.find('PBD', { host, SR, currently_attached: true });
  if (!pbd) throw new XenError('SR_NOT_ATTACHED', SR);
}

export const pbdCalls: CallsOf<typeof classes.PBD, Context> = {
  plug: (context, { self }) => plug(context, self),
  unplug: (context, { self }) => unplug(context, self),
  set_device_config: async (context, { self, value }) => {
    assertNoMaster(value);
    const { device_config } = await context.tx.lock('PBD', self);
    await context.tx.update('PBD', self, {
      device_config: await changeSecrets(context, device_config, value),
    });
  },
};

export const pbdOverrides = {
  create: (context: Context, { args }: { args: NewPbd }) => create(context, args),
  destroy: async (context: Context, { self }: { self: Ref<'PBD'> }) => {
    const pbd = await context.tx.lock('PBD', self);
    if (pbd.currently_attached) throw new XenError('OPERATION_NOT_ALLOWED', 'PBD is currently attached');
    await admitSr(context, pbd.SR, 'pbd_destroy');
    await context.tx.remove('PBD', self);
    await dropSecrets(context.tx, pbd.device_config);
  },
};

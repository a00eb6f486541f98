import { storage } from '@xenplane/domain';
import { asRef, classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { admitSr } from '../admission';
import type { Context } from '../context';
import { driver } from '../media';
import { recordWith } from '../records';
import { assertThere } from './sr-make';
import { scan } from './sr-scan';

/** A disk of the repository that a VM on this host uses keeps the connection up, and so does one that work is under way on. */
async function unplug(context: Context, self: Ref<'PBD'>): Promise<void> {
  const { tx } = context;
  const pbd = await tx.lock('PBD', self);
  if (!pbd.currently_attached) return;
  await admitSr(context, pbd.SR, 'unplug');
  const [used] = await tx.query<{ ref: string }>(
    'SELECT d.ref FROM vdi d JOIN vbd b ON b."VDI" = d.ref AND b.currently_attached JOIN vm v ON v.ref = b."VM" AND v.resident_on = $2 WHERE d."SR" = $1 LIMIT 1',
    [pbd.SR, pbd.host],
  );
  if (used) throw new XenError('VDI_IN_USE', used.ref, 'unplug');
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
  const place = kind.locate(pbd.device_config, uuid);
  await assertThere(tx, kind, sr, place);
  await tx.update('PBD', self, { currently_attached: true });
  if (sr.physical_size <= 0 && place.bytes > 0) await tx.update('SR', sr.ref, { physical_size: place.bytes });
  await scan(tx, sr.ref);
}

async function assertAlive({ tx }: Context, host: Ref<'host'>): Promise<void> {
  const [row] = await tx.query<{ live: boolean }>('SELECT m.live FROM host h JOIN host_metrics m ON m.ref = h.metrics WHERE h.ref = $1', [host]);
  if (!row?.live) throw new XenError('HOST_OFFLINE', host);
}

/** A repository that is not shared has one connection. */
async function create(context: Context, given: Pick<StoredRecord<'PBD'>, 'host' | 'SR' | 'device_config'>): Promise<Ref<'PBD'>> {
  const { tx, plane } = context;
  await tx.get('host', given.host);
  const { shared, type } = await admitSr(context, given.SR, 'pbd_create');
  const pbds = await tx.find('PBD', { SR: given.SR });
  const present = pbds.find((p) => p.host === given.host);
  if (present) throw new XenError('PBD_EXISTS', given.SR, given.host, present.ref);
  if (pbds.length > 0 && (!shared || !storage.driverOf(type)?.sharable)) throw new XenError('SR_NOT_SHARABLE', given.SR, given.host);
  const uuid = plane.ids.uuid(),
    ref = asRef<'PBD'>(`OpaqueRef:${uuid}`);
  await tx.insert('PBD', ref, recordWith('PBD', { ...given, uuid, currently_attached: false }));
  return ref;
}

export const pbdCalls: CallsOf<typeof classes.PBD, Context> = {
  plug: (context, { self }) => plug(context, self),
  unplug: (context, { self }) => unplug(context, self),
  set_device_config: async ({ tx }, { self, value }) => tx.update('PBD', self, { device_config: value }),
};

export const pbdOverrides = {
  create: (context: Context, { args }: { args: StoredRecord<'PBD'> }) => create(context, args),
  destroy: async (context: Context, { self }: { self: Ref<'PBD'> }) => {
    const pbd = await context.tx.lock('PBD', self);
    if (pbd.currently_attached) throw new XenError('OPERATION_NOT_ALLOWED', 'PBD is currently attached');
    await admitSr(context, pbd.SR, 'pbd_destroy');
    await context.tx.remove('PBD', self);
  },
};

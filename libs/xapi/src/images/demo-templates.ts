/**
 * The templates that start without an installer and that every pool gets: one on an ephemeral image, one on an ordinary disk. Each is
 * made once, also in a pool of an earlier version; one that somebody removed stays away.
 */
import { storage } from '@xenplane/domain';
import { isNullRef, type Ref } from '@xenplane/model';
import { inTransaction, reading, type Row, type Tx } from '@xenplane/store';
import { demoImage } from './demo-image';
import { refOf, seededUuid } from '../core/seeded';
import { takeSpace } from '../storage/vdi-clone';
import type { Plane } from '../core/context';
import { noted } from '../tables/layers/disk-chains';
import { addImageTemplate, addReadyTemplate, storeImage } from './images';
import { newLayer } from '../tables/layers/layers';
import { recordWith } from '../core/records';
import { LayerClient } from '../transfer/layer-client';
import { readSetting, settingValue, writeSetting } from '../tables/settings';

export const demoName = 'Xenplane demo disk';
const serverName = 'Xenplane demo server';
const madeKey = 'demo_templates';
/** SQL: the column names one of these templates. */
export const isDemoTemplate = (column: string): string =>
  `coalesce(${settingValue(`'${madeKey}'`)} ? ${column}, false)`;

export async function ensureDemoTemplates(plane: Plane, seed: number): Promise<void> {
  const demo = seededUuid(seed, 'template', 'demo'),
    server = seededUuid(seed, 'template', 'demo-server');
  const missing = (tx: Tx): Promise<string[]> => missingOf(tx, [demo, server]);
  if ((await reading(plane.store, missing)).length === 0) return;
  const bytes = demoImage();
  const image = await storeImage(plane, bytes, demoName);
  await inTransaction(plane.store, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/demo'))", []);
    const wanted = await missing(tx);
    if (wanted.includes(demo)) await addImageTemplate(tx, plane, image, demoName, demo);
    const left = wanted.includes(server) && !(await addServer({ plane, tx }, server, bytes)) ? [server] : [];
    await remember(
      tx,
      [demo, server].filter((uuid) => !left.includes(uuid)),
    );
  });
}

/** Those that the pool never had. */
async function missingOf(tx: Tx, uuids: readonly string[]): Promise<string[]> {
  const known = await readSetting<string[]>(tx, madeKey);
  const present = await tx.getMany(
    'VM',
    uuids.map((uuid) => refOf('VM', uuid)),
  );
  const had = new Set<string>([...(known ?? []), ...present.map(({ ref }) => ref)]);
  return uuids.filter((uuid) => !had.has(refOf('VM', uuid)));
}

async function remember(tx: Tx, uuids: readonly string[]): Promise<void> {
  await writeSetting(
    tx,
    madeKey,
    uuids.map((uuid) => refOf('VM', uuid)),
  );
}

interface Making {
  readonly plane: Plane;
  readonly tx: Tx;
}
/**
 * The bytes are written under an identifier that follows from the template's, while no other process makes it: an attempt that broke
 * off leaves nothing that the next one does not write again. False for a pool without storage for disks.
 */
async function addServer({ plane, tx }: Making, uuid: string, bytes: Uint8Array): Promise<boolean> {
  const sr = await storageForDisks(tx);
  if (!sr) return false;
  const layer = seededUuid(uuid, 'layer');
  const taken = await new LayerClient(plane.settings).write(
    layer,
    [],
    whole(bytes),
    AbortSignal.timeout(writeMs),
  );
  const vdi = await addDisk(tx, sr, { uuid: seededUuid(uuid, 'vdi'), layer, size: bytes.length, taken });
  await addReadyTemplate(
    tx,
    {
      uuid,
      name: serverName,
      description: 'Starts without an installer from an ordinary disk, which keeps what is written',
    },
    vdi,
  );
  return true;
}
const writeMs = 30_000;

async function* whole(
  bytes: Uint8Array,
): AsyncGenerator<{ readonly offset: number; readonly bytes: Uint8Array }> {
  yield { offset: 0, bytes };
}

/** The pool's own repository, or another that all hosts reach. */
async function storageForDisks(tx: Tx): Promise<Row<'SR'> | undefined> {
  const [pool] = await tx.find('pool', {});
  const own = pool && !isNullRef(pool.default_SR) ? await tx.getMany('SR', [pool.default_SR]) : [];
  return [...own, ...(await tx.find('SR', { shared: true }))].find(({ type }) =>
    storage.driverOf(type)?.features.includes('VDI_CREATE'),
  );
}

interface Disk {
  readonly uuid: string;
  readonly layer: string;
  readonly size: number;
  /** The image server's figures of a layer. */
  readonly taken: number;
}
async function addDisk(tx: Tx, sr: Row<'SR'>, { uuid, layer, size, taken }: Disk): Promise<Ref<'VDI'>> {
  const ref = refOf('VDI', uuid);
  await takeSpace({ tx }, sr.ref, size, taken);
  const fixed = { type: 'system', managed: true, sm_config: noted(sr.type, {}) } as const;
  await tx.insert(
    'VDI',
    ref,
    recordWith('VDI', {
      ...fixed,
      uuid,
      location: uuid,
      SR: sr.ref,
      name_label: serverName,
      virtual_size: size,
      physical_utilisation: taken,
    }),
  );
  await newLayer(tx, { id: layer, vdi: ref, bytes: taken });
  return ref;
}

/** Writes the pool's database to the disks that are to have it, when it has changed. Any number of schedulers may look; one writes. */
import { inTransaction } from '@xenplane/store';
import type { Plane } from '../core/context';
import {
  releaseCopies,
  settleCopies,
  showLatest,
  takeBehind,
  type Followed,
} from '../tables/database-copies';
import { writesOf } from '../recovery/write-copies';
import { leftOut, makeDump, type Dump } from '../recovery/dump';
import { writeDisk } from '../transfer/contents';

/** Changes all the time, and nothing comes back by it. */
const measured = [
  'host_metrics',
  'VM_metrics',
  'VM_guest_metrics',
  'VIF_metrics',
  'VBD_metrics',
  'PIF_metrics',
  'host_cpu',
];

/** A copy of a large pool takes its time; so many times as long nothing is copied after it. */
const restFactor = 10;

export async function copyDatabase(plane: Plane): Promise<{ readonly written: number }> {
  const behind = await inTransaction(plane.store, (tx) => takeBehind(tx, [...leftOut, ...measured]));
  if (behind.length === 0) return { written: 0 };
  const began = plane.clock.monotonic();
  const dump = makeDump(plane.store);
  const written = await Promise.allSettled(behind.map((one) => write(plane, one, dump, began)));
  await inTransaction(plane.store, showLatest);
  const failed = written.find((w) => w.status === 'rejected');
  if (failed) throw failed.reason;
  return { written: written.length };
}

async function write(plane: Plane, followed: Followed, coming: Promise<Dump>, began: number): Promise<void> {
  const turn = followed.turn + 1;
  try {
    const dump = await coming;
    await writeDisk(plane, followed.vdi, writesOf(dump, turn));
    const restMs = (plane.clock.monotonic() - began) * restFactor;
    await inTransaction(plane.store, (tx) => settleCopies(tx, { ...followed, turn }, dump.position, restMs));
  } catch (error) {
    await inTransaction(plane.store, (tx) => releaseCopies(tx, followed));
    throw error;
  }
}

/** One disk alone as a tar: the files of an archive's disk, in a folder of their own. */
import type { Write } from '../disks/blocks';
import type { ByteReader } from '../disks/byte-reader';
import type { DiskSource } from '../disks/disk-source';
import { MemberReader, writeMembers, type Checking } from './blocks';
import { tarEnd, TarReader } from './tar';

const prefix = 'vdi/';

export async function* writeTarDisk(source: DiskSource): AsyncGenerator<Uint8Array> {
  yield* writeMembers(prefix, source);
  yield tarEnd();
}

export async function* readTarDisk(
  reader: ByteReader,
  size: number,
  checking: Checking,
): AsyncGenerator<Write> {
  const members = new MemberReader(new TarReader(reader), checking);
  yield* members.disk({ prefix, size });
  await members.end();
}

/** Requests and their answers, one after the other: no more of a disk is held than the client takes. */
import {
  nbdCommands,
  nbdErrors,
  nbdRequestBytes,
  readRequest,
  simpleReply,
  BadNbd,
  type DiskSource,
  type NbdRequest,
} from '@xenplane/wire';
import { Gone, type Connection } from './connection';
import { largestRead } from './export';

/** The disk that is read, and the receiver of read errors. */
export interface Readable {
  readonly source: DiskSource;
  readonly failed: (error: unknown) => void;
}

/** Until the client disconnects. */
export async function serve(connection: Connection, readable: Readable): Promise<void> {
  for (;;) {
    const request = readRequest(await connection.exactly(nbdRequestBytes));
    if (request.command === nbdCommands.disconnect) return;
    if (request.command === nbdCommands.read) await read(connection, readable, request);
    else await refuse(connection, request);
  }
}

/** An error can be sent only before the first byte: after it the connection is cut. */
async function read(
  connection: Connection,
  { source, failed }: Readable,
  { cookie, offset, length }: NbdRequest,
): Promise<void> {
  if (length > largestRead || offset + BigInt(length) > BigInt(source.size))
    return connection.send(simpleReply(cookie, nbdErrors.invalid));
  const pieces = source.read(Number(offset), length)[Symbol.asyncIterator]();
  let piece = await pieces.next().catch((error: unknown) => {
    if (!connection.socket.destroyed) failed(error);
  });
  if (!piece) return connection.send(simpleReply(cookie, nbdErrors.io));
  await connection.send(simpleReply(cookie));
  try {
    for (; !piece.done; piece = await pieces.next()) await connection.send(piece.value);
  } catch (error) {
    await pieces.return?.(undefined);
    // A disk is not read on for a client that is gone.
    throw connection.socket.destroyed ? new Gone() : error;
  }
}

const writing: readonly number[] = [nbdCommands.write, nbdCommands.trim, nbdCommands.writeZeroes];
/** Disks are read-only here. */
async function refuse(connection: Connection, { command, cookie, length }: NbdRequest): Promise<void> {
  if (command === nbdCommands.write) {
    if (length > largestRead) throw new BadNbd('a request that is too long');
    await connection.skip(length);
  }
  await connection.send(
    simpleReply(cookie, writing.includes(command) ? nbdErrors.notPermitted : nbdErrors.invalid),
  );
}

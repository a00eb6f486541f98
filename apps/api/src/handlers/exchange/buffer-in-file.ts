/** A file that can only be read once it is all there: kept without a name, gone when it is closed or this process is. */
import { open, unlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Aside } from '@xenplane/wire';

export async function bufferInFile(bytes: AsyncIterable<Uint8Array>): Promise<Aside> {
  const name = path.join(os.tmpdir(), `xenplane-${randomUUID()}`);
  const file = await open(name, 'wx+', 0o600);
  await unlink(name);
  try {
    let size = 0;
    for await (const part of bytes) {
      await file.writeFile(part);
      size += part.length;
    }
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const part = Buffer.alloc(length);
      for (let got = 0; got < length;) {
        const { bytesRead } = await file.read(part, got, length - got, offset + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return part;
    };
    return { size, read, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

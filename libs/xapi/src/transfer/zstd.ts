/** Streams of zstd: by the runtime where it can, and else block by block, so that others have their turn in between. */
import type { Transform } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import { packedFrame, unpackFrame, zstdFrames, type ByteReader } from '@xenplane/wire';
import { piped } from './piped-bytes';

type Make = (options?: { readonly params: Readonly<Record<number, number>> }) => Transform;
const isMake = (value: unknown): value is Make => typeof value === 'function';
/** Newer versions of the runtime have it. */
function ofRuntime(name: 'createZstdCompress' | 'createZstdDecompress'): Make | undefined {
  const make: unknown = Reflect.get(zlib, name);
  return isMake(make) ? make : undefined;
}

/** Numbers of parameters, as zstd counts them. */
const levelParameter = 100,
  checksumParameter = 201;
/** As with gzip, the step that limits an export is worth more speed than bytes. */
const level = 1;

export function packZstd(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const make = ofRuntime('createZstdCompress');
  return make
    ? piped(bytes, make({ params: { [levelParameter]: level, [checksumParameter]: 1 } }))
    : packFrames(bytes);
}

/** A frame for each: so many take some milliseconds. */
const frameBytes = 2 ** 18;

async function* packFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { compress, init } = await import('@bokuweb/zstd-wasm');
  await (loaded ??= init());
  const held = new Uint8Array(frameBytes);
  let length = 0;
  for await (const piece of bytes)
    for (let done = 0; done < piece.length;) {
      const part = piece.subarray(done, done + frameBytes - length);
      held.set(part, length);
      length += part.length;
      done += part.length;
      if (length < frameBytes) continue;
      yield compress(held, level);
      length = 0;
      await turn();
    }
  if (length > 0) yield compress(held.subarray(0, length), level);
}
let loaded: Promise<void> | undefined;

/** Frame by frame: the runtime's own stream ends with the first. */
export async function* unpackZstd(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const make = ofRuntime('createZstdDecompress');
  for await (const frame of zstdFrames(reader))
    for await (const bytes of make ? piped(packedFrame(frame, reader), make()) : unpackFrame(frame, reader)) {
      yield bytes;
      if (!make) await turn();
    }
}

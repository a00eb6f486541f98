/**
 * The contents of disks: each a chain of layers, top first, perhaps with a template image at the bottom. What exists is said
 * elsewhere; here a layer without blocks and one that nobody ever wrote are the same.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Bits, blockBytes, gathered, type Write } from '@xenplane/wire';
import { assertInside } from '../inside';
import { digestPattern, RefusedBlob } from '../store';
import { fold, type Folded } from './fold';
import { openImage, type Source } from './image';
import { Layer, type Below, type FoldHow } from './layer';
import { Shared } from './shared';

export const layerPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Most bytes that a reader holds. */
const readBytes = 2 ** 20;
/** How many of the last removed layers are remembered, so that a late request does not bring one back. */
const mostRemembered = 10_000;

export interface FoldOptions {
  readonly from: string;
  readonly how: FoldHow;
  readonly apart: boolean;
  readonly limitBytes: number;
}

export class LayerStore {
  private readonly layers: Shared<Layer>;
  private readonly images: Shared<Source>;
  private readonly removed = new Set<string>();

  private constructor(
    private readonly folder: string,
    imageFile: (sha256: string) => string,
  ) {
    this.layers = new Shared(async (id) => {
      const place = path.join(folder, id);
      await assertInside(folder, place);
      return Layer.open(place);
    });
    this.images = new Shared(async (sha256) => {
      const file = imageFile(sha256);
      await assertInside(path.dirname(file), file);
      return openImage(file);
    });
  }

  /** Opens the folder and clears what an earlier life was removing. */
  static async open(folder: string, imageFile: (sha256: string) => string): Promise<LayerStore> {
    await rm(path.join(folder, 'removed'), { recursive: true, force: true });
    await mkdir(path.join(folder, 'removed'), { recursive: true });
    return new LayerStore(folder, imageFile);
  }

  /** Writes to the layer; a part of a block takes the rest of it from below. Durable when it returns. Answers the layer's utilisation. */
  async write(id: string, below: readonly string[], writes: AsyncIterable<Write>): Promise<number> {
    this.assertThere(id);
    return this.withLayers([id], ([layer]) =>
      this.withChain(below, async (under) => {
        if (!layer) throw new RefusedBlob('not a layer');
        try {
          for await (const write of gathered(writes))
            await ('zeroes' in write
              ? layer.zero(under, write.offset, write.zeroes)
              : layer.write(under, write.offset, write.bytes));
        } finally {
          await layer.sync();
        }
        return layer.present.count * blockBytes;
      }),
    );
  }

  /** Part of a disk as a stream; what no layer has is zero. Nothing is read ahead of the reader. */
  async *read(chain: readonly string[], offset: number, length: number): AsyncGenerator<Uint8Array> {
    const end = offset + length;
    for (let at = offset; at < end;) {
      const bytes = await this.withChain(chain, (stack) =>
        stack.read(at, Math.min(end, at + readBytes - (at % readBytes)) - at),
      );
      at += bytes.length;
      yield bytes;
    }
  }

  /** The blocks that any of these has. */
  async present(chain: readonly string[]): Promise<Bits> {
    return this.withChain(chain, async ({ present }) => new Bits(present.raw()));
  }

  /** The blocks that were changed while any of these took the writes. */
  async changed(chain: readonly string[]): Promise<Bits> {
    return this.withChain(chain, async ({ changes }) => new Bits(changes.raw()));
  }

  /** Makes one layer show what it and another showed, as far as the limit goes; the chain of both shows the same all the while. The other goes at the end, or is emptied. */
  async fold(id: string, { from, ...options }: FoldOptions): Promise<Folded> {
    this.assertThere(id);
    const folded = await this.withLayers([id, from], async ([into, source]) => {
      if (!into || !source || into === source) throw new RefusedBlob('not two layers');
      return fold({ ...options, into, from: source });
    });
    if (folded.done && !options.apart) await this.remove(from);
    return folded;
  }

  /** Frees what the layer takes; what it has changed stays known. */
  async empty(id: string): Promise<void> {
    this.assertThere(id);
    await this.withLayers([id], async ([layer]) => layer?.empty());
  }

  async utilisation(id: string): Promise<number> {
    return this.withLayers([id], async ([layer]) => (layer?.present.count ?? 0) * blockBytes);
  }

  /** Gone under its name at once, from the medium soon. */
  async remove(id: string): Promise<void> {
    const gone = path.join(this.folder, 'removed', randomUUID());
    const open = this.layers.forget(asLayer(id));
    this.remember(id);
    (await open?.catch(() => undefined))?.leave();
    const moved = await rename(path.join(this.folder, id), gone).then(
      () => true,
      () => false,
    );
    if (moved) await rm(gone, { recursive: true, force: true });
  }

  private remember(id: string): void {
    this.removed.add(id);
    const [oldest] = this.removed;
    if (this.removed.size > mostRemembered && oldest !== undefined) this.removed.delete(oldest);
  }
  private assertThere(id: string): void {
    if (this.removed.has(id)) throw new RefusedBlob('the layer is gone');
  }

  private withLayers<R>(ids: readonly string[], work: (layers: readonly Layer[]) => Promise<R>): Promise<R> {
    return this.layers.use(ids.map(asLayer), work);
  }

  private withChain<R>(chain: readonly string[], work: (stack: Stack) => Promise<R>): Promise<R> {
    const images = chain.filter((id) => digestPattern.test(id));
    if (images.length > 1 || (images.length === 1 && chain.at(-1) !== images[0]))
      throw new RefusedBlob('an image can only be the lowest layer');
    return this.withLayers(chain.slice(0, chain.length - images.length), (layers) =>
      this.images.use(images, (bottoms) => work(new Stack([...layers, ...bottoms]))),
    );
  }
}

function asLayer(id: string): string {
  if (!layerPattern.test(id)) throw new RefusedBlob('not a layer');
  return id;
}

/** Layers over one another: each block is that of the first that has it. */
class Stack implements Below {
  private union: Bits | undefined;

  constructor(
    private readonly sources: readonly (Pick<Source, 'present' | 'read'> & { readonly changes?: Bits })[],
  ) {}

  get changes(): Bits {
    const union = new Bits();
    for (const { changes, present } of this.sources) union.add(changes ?? present);
    return union;
  }

  get present(): Bits {
    if (this.union) return this.union;
    const union = new Bits();
    for (const { present } of this.sources) union.add(present);
    return (this.union = union);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const out = Buffer.alloc(length);
    for (let at = offset; at < offset + length;) {
      const source = this.sourceAt(at);
      let end = nextBlock(at);
      while (end < offset + length && this.sourceAt(end) === source) end = nextBlock(end);
      end = Math.min(end, offset + length);
      if (source) out.set(await source.read(at, end - at), at - offset);
      at = end;
    }
    return out;
  }

  private sourceAt(at: number): Pick<Source, 'read'> | undefined {
    const block = Math.floor(at / blockBytes);
    return this.sources.find(({ present }) => present.has(block));
  }
}
const nextBlock = (at: number): number => at - (at % blockBytes) + blockBytes;

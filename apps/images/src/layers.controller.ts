/** Layers of disks, for the control plane alone: every request needs the secret. */
import { pipeline } from 'node:stream/promises';
import {
  BadRequestException,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { LayerStore, RefusedBlob } from '@xenplane/blobs';
import { BadFrame, EndOfStream, framesType, readFrames, type Write } from '@xenplane/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** One request does not keep the disk busy for longer than a moment. */
const mostFoldedBytes = 64 * 2 ** 20;
/** Of the largest disk, with room. */
const mostBlocks = 2 ** 30;

@Controller('layers')
export class LayersController {
  constructor(private readonly layers: LayerStore) {}

  /** The body is bytes from `offset` on, or frames that say where each goes. Answers how many bytes the layer takes. */
  @Put(':id')
  async put(
    @Param('id') id: string,
    @Query() query: Record<string, string>,
    @Req() request: FastifyRequest,
  ): Promise<{ utilisation: number }> {
    const framed = request.headers['content-type'] === framesType;
    const writes = framed ? readFrames(request.raw) : piecesFrom(request.raw, numberOf(query['offset'], 0));
    return { utilisation: await told(this.layers.write(id, chainOf(query['chain']), writes)) };
  }

  /** One bit for each of the first blocks: set where any of the layers has changed it. */
  @Get('changed')
  async changed(@Query() query: Record<string, string>, @Res() reply: FastifyReply): Promise<void> {
    const changed = await told(this.layers.changed(chainOf(query['ids'])));
    const blocks = numberOf(query['blocks'], changed.end);
    if (blocks > mostBlocks) throw new BadRequestException('more blocks than a disk can have');
    await sendBytes(reply, changed.raw(blocks));
  }

  /** A bit for each block that the layer has or, when they are given, one of those below it. */
  @Get(':id/blocks')
  async blocks(
    @Param('id') id: string,
    @Query() query: Record<string, string>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const present = await told(this.layers.present([id, ...chainOf(query['chain'])]));
    await sendBytes(reply, present.raw());
  }

  @Get(':id')
  async get(
    @Param('id') id: string,
    @Query() query: Record<string, string>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const chain = [id, ...chainOf(query['chain'])],
      offset = numberOf(query['offset'], 0),
      length = numberOf(query['length']);
    await told(this.layers.present(chain));
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': String(length),
    });
    // A reader that goes away, or a file that cannot be read, ends the connection before all bytes are there.
    await pipeline(this.layers.read(chain, offset, length), reply.raw).catch(() => reply.raw.destroy());
  }

  /** Takes the blocks of the layer `from`, so many bytes at the most. Answers whether that was all. */
  @Post(':id/fold')
  @HttpCode(200)
  async fold(
    @Param('id') id: string,
    @Query() query: Record<string, string>,
  ): Promise<{ done: boolean; utilisation: number }> {
    const how = query['how'];
    if (how !== 'over' && how !== 'under') throw new BadRequestException('fold over or under');
    const limitBytes = Math.min(mostFoldedBytes, numberOf(query['limit'], mostFoldedBytes));
    return told(
      this.layers.fold(id, {
        from: chainOf(query['from'])[0] ?? '',
        how,
        apart: query['apart'] === 'true',
        limitBytes,
      }),
    );
  }

  /** The bytes go, what was changed stays known. */
  @Delete(':id/blocks')
  async empty(@Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    await told(this.layers.empty(id));
    await reply.code(204).send();
  }

  @Delete(':id')
  async delete(@Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    await told(this.layers.remove(id));
    await reply.code(204).send();
  }
}

const sendBytes = (reply: FastifyReply, bytes: Uint8Array): FastifyReply =>
  reply.code(200).header('content-type', 'application/octet-stream').send(Buffer.from(bytes));

/** A parameter that is given twice is an array, whatever its type says. */
function chainOf(text: unknown): string[] {
  if (text !== undefined && typeof text !== 'string') throw new BadRequestException('one list of layers');
  return (text ?? '').split(',').filter((id) => id !== '');
}

function numberOf(text: string | undefined, otherwise?: number): number {
  const number = text === undefined || text === '' ? otherwise : Number(text);
  if (number === undefined || !Number.isSafeInteger(number) || number < 0)
    throw new BadRequestException('not a number of bytes');
  return number;
}

async function* piecesFrom(source: AsyncIterable<Uint8Array>, start: number): AsyncGenerator<Write> {
  let offset = start;
  for await (const bytes of source) {
    yield { offset, bytes };
    offset += bytes.length;
  }
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RefusedBlob || error instanceof EndOfStream || error instanceof BadFrame)
      throw new BadRequestException(error.message);
    throw error;
  }
}

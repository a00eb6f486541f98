/** Reading is open to nodes, who must know the digest; adding and deleting need the secret. */
import {
  Controller,
  Delete,
  Get,
  Head,
  Headers,
  Param,
  Put,
  Req,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import { BadImage, BlobStore, digestPattern, RefusedBlob, type StoredBlob } from '@xenplane/blobs';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** First and last byte of `bytes=a-b`, `bytes=a-` or `bytes=-n`; undefined for none, null for one that cannot be. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined | null {
  const match = header === undefined ? null : /^bytes=(\d*)-(\d*)$/.exec(header);
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start <= end && start < size ? { start, end } : null;
}

@Controller('images')
export class ImagesController {
  constructor(private readonly blobs: BlobStore) {}

  @Put()
  async put(
    @Headers('x-sha256') expected: string | undefined,
    @Req() request: FastifyRequest,
  ): Promise<StoredBlob> {
    try {
      return await this.blobs.take(request.raw, expected === undefined ? {} : { expected });
    } catch (error) {
      if (error instanceof RefusedBlob || error instanceof BadImage)
        throw new UnprocessableEntityException(error.message);
      throw error;
    }
  }

  @Get()
  async list(): Promise<{ images: string[] }> {
    return { images: await this.blobs.list() };
  }

  @Head(':sha256')
  async head(@Param('sha256') sha256: string, @Res() reply: FastifyReply): Promise<void> {
    const size = await this.sizeOf(sha256);
    await (size === undefined
      ? reply.code(404).send()
      : reply.code(200).headers(this.headersOf(sha256, size)).send());
  }

  @Get(':sha256')
  async get(
    @Param('sha256') sha256: string,
    @Headers('range') header: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const size = await this.sizeOf(sha256);
    if (size === undefined) return void (await reply.code(404).send({ error: 'no such image' }));
    const range = rangeOf(header, size);
    if (range === null) return void (await reply.code(416).header('content-range', `bytes */${size}`).send());
    const headers = this.headersOf(sha256, range ? range.end - range.start + 1 : size);
    if (range) reply.header('content-range', `bytes ${range.start}-${range.end}/${size}`);
    await reply
      .code(range ? 206 : 200)
      .headers(headers)
      .send(this.blobs.read(sha256, range));
  }

  @Delete(':sha256')
  async delete(@Param('sha256') sha256: string, @Res() reply: FastifyReply): Promise<void> {
    const present = digestPattern.test(sha256) && (await this.blobs.delete(sha256));
    await reply.code(present ? 204 : 404).send();
  }

  private async sizeOf(sha256: string): Promise<number | undefined> {
    return digestPattern.test(sha256) ? this.blobs.size(sha256) : undefined;
  }
  private headersOf(sha256: string, length: number): Record<string, string> {
    return {
      'content-length': String(length),
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      etag: `"${sha256}"`,
      'cache-control': 'immutable',
    };
  }
}

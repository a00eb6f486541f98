/** `PUT /images`: a client's image goes through to the image server as it comes, and a template is made of it. */
import { Controller, Inject, Put, Query, Req, Res } from '@nestjs/common';
import { Readable } from 'node:stream';
import { allows } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { addImageTemplate, denied, Dispatcher, errorOf, storeImage, type Plane } from '@xenplane/xapi';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { planeToken } from './tokens';

@Controller('images')
export class ImagesController {
  constructor(
    @Inject(planeToken) private readonly plane: Plane,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Put()
  async put(
    @Query('session_id') token: string | undefined,
    @Query('name_label') name: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    try {
      await this.assertMay(token ?? '');
      const label = name ?? 'Imported image';
      const image = await storeImage(
        this.plane,
        Readable.toWeb(request.raw) as ReadableStream<Uint8Array>,
        label,
      );
      const template = await inTransaction(
        this.plane.store,
        async (tx) => (await tx.get('VM', await addImageTemplate(tx, this.plane, image, label))).uuid,
      );
      void reply.code(200).send({ template, ...image });
    } catch (error) {
      const { description } = errorOf(error);
      const code =
        description[0] === 'SESSION_INVALID' ? 401 : description[0] === 'RBAC_PERMISSION_DENIED' ? 403 : 500;
      void reply.code(code).header('connection', 'close').send({ error: description });
    }
  }

  private async assertMay(token: string): Promise<void> {
    const session = await this.dispatcher.sessions.findNow(token);
    if (!allows(session.role, 'vm-admin')) throw denied('http/put_images', 'vm-admin');
  }
}

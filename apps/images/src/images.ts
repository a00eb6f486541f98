/** The image server: template images by digest, for every node that asks. */
import path from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { BlobStore, digestPattern, layerPattern, LayerStore } from '@xenplane/blobs';
import type { ImagesSettings } from '@xenplane/config';
import { boundConnections, contain } from '@xenplane/http';
import { makeLog } from '@xenplane/process';
import { ImagesController } from './images.controller';
import { HealthController } from './health.controller';
import { LayersController } from './layers.controller';
import { hasSecret } from './secret';

@Module({})
class ImagesModule {
  static of(blobs: BlobStore, layers: LayerStore): DynamicModule {
    return {
      module: ImagesModule,
      controllers: [ImagesController, LayersController, HealthController],
      providers: [
        { provide: BlobStore, useValue: blobs },
        { provide: LayerStore, useValue: layers },
      ],
    };
  }
}

/** The sender and the named object are checked before a byte of a body is read. Images are read by whoever knows their digest. */
function guardNames(fastify: FastifyInstance, secret: string): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const { id, sha256 } = request.params as { readonly id?: string; readonly sha256?: string };
    const isOpen =
      request.routeOptions.url?.startsWith('/health') === true ||
      (sha256 !== undefined && ['GET', 'HEAD'].includes(request.method));
    const refuse = (status: number, message: string): void =>
      void reply.code(status).header('connection', 'close').send({ statusCode: status, message });
    if (!isOpen && !hasSecret(secret, request.headers.authorization)) return refuse(403, 'Forbidden');
    if (id !== undefined && !layerPattern.test(id)) return refuse(400, 'A layer is named by its UUID');
    if (sha256 !== undefined && !digestPattern.test(sha256))
      return refuse(400, 'An image is named by its SHA-256');
    done();
  });
}

export interface RunningImages {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startImages(settings: ImagesSettings): Promise<RunningImages> {
  const blobs = await BlobStore.open(settings.data);
  const layers = await LayerStore.open(path.join(settings.data, 'layers'), (sha256) => blobs.fileOf(sha256));
  const adapter = new FastifyAdapter({ requestTimeout: 0, http: { headersTimeout: 10_000 } });
  const app = await NestFactory.create<NestFastifyApplication>(ImagesModule.of(blobs, layers), adapter, {
    logger: false,
    bodyParser: false,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  guardNames(fastify, settings.secret);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    '*',
    (_request: unknown, payload: unknown, done: (error: Error | null, body: unknown) => void) =>
      done(null, payload),
  );
  const log = makeLog('images', settings.logLevel);
  contain(boundConnections(app.getHttpServer()), (error) =>
    log.error({ error }, 'a request failed outside of its handler'),
  );
  await app.listen(settings.port, settings.listen);
  const { port } = new URL(await app.getUrl());
  return {
    url: `http://${settings.listen}:${port}`,
    stop: async () => {
      app.getHttpServer().closeAllConnections();
      await app.close();
    },
  };
}

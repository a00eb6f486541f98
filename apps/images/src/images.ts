/** The image server: template images by digest, for every node that asks. */
import path from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { BlobStore, LayerStore } from '@xenplane/blobs';
import type { ImagesSettings } from '@xenplane/config';
import { contain } from '@xenplane/http';
import { makeLog } from '@xenplane/process';
import { ImagesController } from './images.controller';
import { HealthController } from './health.controller';
import { LayersController } from './layers.controller';
import { secretToken } from './tokens';

@Module({})
class ImagesModule {
  static of(blobs: BlobStore, layers: LayerStore, secret: string): DynamicModule {
    return {
      module: ImagesModule,
      controllers: [ImagesController, LayersController, HealthController],
      providers: [
        { provide: BlobStore, useValue: blobs },
        { provide: LayerStore, useValue: layers },
        { provide: secretToken, useValue: secret },
      ],
    };
  }
}

export interface RunningImages {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startImages(settings: ImagesSettings): Promise<RunningImages> {
  const blobs = await BlobStore.open(settings.data);
  const layers = await LayerStore.open(path.join(settings.data, 'layers'), (sha256) => blobs.fileOf(sha256));
  const adapter = new FastifyAdapter({ requestTimeout: 0, http: { headersTimeout: 10_000 } });
  const app = await NestFactory.create<NestFastifyApplication>(ImagesModule.of(blobs, layers, settings.secret), adapter, {
    logger: false,
    bodyParser: false,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request: unknown, payload: unknown, done: (error: Error | null, body: unknown) => void) => done(null, payload));
  const log = makeLog('images', settings.logLevel);
  contain(app.getHttpServer(), (error) => log.error({ error }, 'a request failed outside of its handler'));
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

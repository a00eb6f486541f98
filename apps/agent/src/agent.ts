/** One process that is the agent of one host or of many, with the hypervisor that it drives in a thread of its own. */
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AgentSettings } from '@xenplane/config';
import { boundConnections, contain } from '@xenplane/http';
import { XenThread, type Hypervisor } from '@xenplane/hypervisor';
import { makeLog } from '@xenplane/process';
import { CommandsController, HealthController } from './commands.controller';
import { guardCommands } from './guard';
import { Fleet } from './fleet';

@Module({})
class AgentModule {
  static of(fleet: Fleet): DynamicModule {
    return {
      module: AgentModule,
      controllers: [CommandsController, HealthController],
      providers: [{ provide: Fleet, useValue: fleet }],
    };
  }
}

export interface RunningAgent {
  readonly url: string;
  readonly hypervisor: Hypervisor;
  /** Ends the agent and its domains. */
  stop(): Promise<void>;
  /** Ends the agent alone, as a crash of it would: its domains run on until their lease is over. */
  abandon(): Promise<void>;
}

export async function startAgent(settings: AgentSettings, given?: Hypervisor): Promise<RunningAgent> {
  const hypervisor = given ?? (await XenThread.start({ seed: settings.seed, speed: settings.speed }));
  const log = makeLog('agent', settings.logLevel);
  const fleet = new Fleet(settings, hypervisor, log);
  const app = await NestFactory.create<NestFastifyApplication>(
    AgentModule.of(fleet),
    new FastifyAdapter({ requestTimeout: 0, keepAliveTimeout: 120_000, http: { headersTimeout: 10_000 } }),
    {
      logger: false,
      bodyParser: false,
      abortOnError: false,
    },
  );
  guardCommands(app.getHttpAdapter().getInstance(), fleet);
  contain(boundConnections(app.getHttpServer()), (error) =>
    log.error({ error }, 'a request failed outside of its handler'),
  );
  await app.listen(settings.port, settings.listen);
  const { port } = new URL(await app.getUrl());
  const url = settings.url ?? `http://${settings.listen}:${port}`;
  await fleet.start(url);
  const abandon = async (): Promise<void> => {
    await fleet.stop();
    app.getHttpServer().closeAllConnections();
    await app.close();
  };
  return {
    url,
    hypervisor,
    abandon,
    stop: async () => {
      await abandon();
      await hypervisor.close();
    },
  };
}

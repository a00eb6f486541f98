/** One process that is the agent of one host or of many, with the hypervisor that it drives in a thread of its own. */
import type { Server } from 'node:http';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AgentSettings } from '@xenplane/config';
import { boundConnections, contain, Crowd, halfOpenLimits } from '@xenplane/http';
import { systemClock, type Clock, type Hypervisor } from '@xenplane/hypervisor';
import { makeLog } from '@xenplane/process';
import { startDriver } from './driver';
import { CommandsController, HealthController } from './commands.controller';
import { Consoles } from './consoles';
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

/** Of connections that have not sent a request yet: only programs of ours speak to agents. */
const mostHalfOpen = 2_000;

/** Bounds its connections and opens consoles on those that are upgraded. */
function listenTo(server: Server, fleet: Fleet, log: ReturnType<typeof makeLog>): Consoles {
  const halfOpen = new Crowd(halfOpenLimits(mostHalfOpen));
  const consoles = new Consoles(fleet, log);
  consoles.listen(boundConnections(server, halfOpen), (socket) => halfOpen.leave(socket));
  contain(server, (error) => log.error({ error }, 'a request failed outside of its handler'));
  return consoles;
}

/** A test gives the hypervisor, whose clock is then the agent's too. */
export async function startAgent(
  settings: AgentSettings,
  given?: Hypervisor,
  clock: Clock = systemClock,
): Promise<RunningAgent> {
  const hypervisor = given ?? (await startDriver(settings));
  const log = makeLog('agent', settings.logLevel);
  const fleet = new Fleet(settings, hypervisor, log, clock);
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
  const consoles = listenTo(app.getHttpServer(), fleet, log);
  await app.listen(settings.port, settings.listen);
  const { port } = new URL(await app.getUrl());
  const url = settings.url ?? `http://${settings.listen}:${port}`;
  await fleet.start(url);
  const abandon = async (): Promise<void> => {
    await fleet.stop();
    consoles.stop();
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

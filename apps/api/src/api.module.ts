import { Module, type DynamicModule } from '@nestjs/common';
import type { ApiSettings } from '@xenplane/config';
import { Dispatcher, type Plane } from '@xenplane/xapi';
import { AgentsController, InvitationsController } from './agents.controller';
import { HealthController } from './health.controller';
import { ImagesController } from './images.controller';
import { MetricsController } from './metrics.controller';
import { RpcController } from './rpc.controller';
import { planeToken, settingsToken } from './tokens';

@Module({})
export class ApiModule {
  static of(plane: Plane, dispatcher: Dispatcher, settings: ApiSettings): DynamicModule {
    return {
      module: ApiModule,
      controllers: [
        HealthController,
        MetricsController,
        AgentsController,
        InvitationsController,
        ImagesController,
        RpcController,
      ],
      providers: [
        { provide: planeToken, useValue: plane },
        { provide: settingsToken, useValue: settings },
        { provide: Dispatcher, useValue: dispatcher },
      ],
    };
  }
}

import { Controller, Get, HttpCode, HttpException, Inject, type OnModuleInit } from '@nestjs/common';
import type { ApiSettings } from '@xenplane/config';
import { readiness, UnheardHosts, type Plane } from '@xenplane/xapi';
import { planeToken, settingsToken } from './tokens';

@Controller('health')
export class HealthController implements OnModuleInit {
  private readonly unheard: UnheardHosts;

  constructor(
    @Inject(planeToken) private readonly plane: Plane,
    @Inject(settingsToken) private readonly settings: ApiSettings,
  ) {
    this.unheard = new UnheardHosts(plane.store);
  }

  /** Before anybody can be heard here. */
  async onModuleInit(): Promise<void> {
    await this.unheard.count();
  }

  @Get('live')
  @HttpCode(200)
  live(): { status: string } {
    return { status: 'ok' };
  }

  /** 200 as soon as VMs can be started, else 503 with what is missing. */
  @Get('ready')
  async ready(): Promise<Readonly<Record<string, unknown>>> {
    const state = await readiness(this.plane, this.settings.hosts, this.unheard);
    if (state.missing.length > 0) throw new HttpException({ status: 'not ready', ...state }, 503);
    return { status: 'ok', ...state };
  }
}

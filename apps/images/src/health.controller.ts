import { Controller, Get } from '@nestjs/common';

@Controller('health')
export class HealthController {
  @Get(['live', 'ready'])
  live(): { status: string } {
    return { status: 'ok' };
  }
}

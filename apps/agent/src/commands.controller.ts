/** What the control plane asks of hosts: a state to ensure. Who asks must show the key that the host gave when it registered. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { BadRequestException, Body, Controller, Delete, ForbiddenException, Get, Headers, HttpCode, Param, Post, Put } from '@nestjs/common';
import { plainToInstance, type ClassConstructor } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { DesiredVm, PlaneAnswer, PowerAnswer, VmAnswer } from '@xenplane/hypervisor';
import { DesiredDto, KeysDto, PlaneDto, PowerDto } from './desired.dto';
import { Fleet, type Commanded } from './fleet';
import type { HostAgent } from './host-agent';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const shows = (given: string | undefined, key: string): boolean => timingSafeEqual(digest(given ?? ''), digest(`Bearer ${key}`));

function valid<T extends object>(shape: ClassConstructor<T>, body: unknown): T {
  const given = plainToInstance(shape, body);
  const problems = validateSync(given, { whitelist: true });
  if (problems.length > 0) throw new BadRequestException(problems.map((p) => p.toString(false, undefined, undefined, true)));
  return given;
}
const desiredOf = (body: unknown): DesiredVm => valid(DesiredDto, body) as DesiredVm;

@Controller('hosts/:host')
export class CommandsController {
  constructor(private readonly fleet: Fleet) {}

  @Put('vms/:vm')
  ensure(@Param('host') host: string, @Param('vm') vm: string, @Headers('authorization') key: string | undefined, @Body() body: unknown): Promise<VmAnswer> {
    return this.hostFor(host, key).ensure(vm, desiredOf(body));
  }

  @Get('vms')
  list(@Param('host') host: string, @Headers('authorization') key: string | undefined): VmAnswer[] {
    return this.hostFor(host, key).list();
  }

  @Post('vms/:vm/crash')
  @HttpCode(204)
  async crash(@Param('host') host: string, @Param('vm') vm: string, @Headers('authorization') key: string | undefined): Promise<void> {
    await this.hostFor(host, key).crash(vm);
  }

  @Put('power')
  power(@Param('host') host: string, @Headers('authorization') key: string | undefined, @Body() body: unknown): Promise<PowerAnswer> {
    return this.hostFor(host, key).power(valid(PowerDto, body));
  }

  @Put('plane')
  goAway(@Param('host') host: string, @Headers('authorization') key: string | undefined, @Body() body: unknown): Promise<PlaneAnswer> {
    return this.fleet.goAway(this.commanded(host, key), valid(PlaneDto, body));
  }

  @Delete('plane')
  callBack(@Param('host') host: string, @Headers('authorization') key: string | undefined): Promise<PlaneAnswer> {
    return this.fleet.callBack(this.commanded(host, key));
  }

  @Get('console-ring')
  async consoleRing(@Param('host') host: string, @Headers('authorization') key: string | undefined): Promise<{ text: string }> {
    return { text: await this.hostFor(host, key).consoleRing() };
  }

  @Post('debug-keys')
  @HttpCode(204)
  async debugKeys(@Param('host') host: string, @Headers('authorization') key: string | undefined, @Body() body: unknown): Promise<void> {
    await this.hostFor(host, key).debugKeys(valid(KeysDto, body).keys);
  }

  private hostFor(uuid: string, key: string | undefined): HostAgent {
    const host = this.fleet.hosts.get(uuid);
    if (!host || !shows(key, host.commandKey)) throw new ForbiddenException();
    return host;
  }
  /** For who sent the host away its key is good for this still. */
  private commanded(uuid: string, key: string | undefined): Commanded {
    const host = this.fleet.hosts.get(uuid);
    const sender = host && this.fleet.senderKey(host);
    return host && sender !== undefined && shows(key, sender) ? { host, sentBy: true } : { host: this.hostFor(uuid, key), sentBy: false };
  }
}

@Controller('health')
export class HealthController {
  @Get(['', 'live'])
  live(): { status: string } {
    return { status: 'ok' };
  }
}

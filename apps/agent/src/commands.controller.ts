/** Commands of the control plane to hosts: a state to ensure. The sender must show the key that the host gave when it registered. */
import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  ForbiddenException,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
} from '@nestjs/common';
import {
  BadShape,
  desiredReader,
  keysReader,
  planeReader,
  powerReader,
  readMessage,
  type Reader,
} from '@xenplane/hypervisor';
import type { PlaneAnswer, PowerAnswer, VmAnswer } from '@xenplane/hypervisor';
import { Fleet, type Commanded } from './fleet';
import { hostFor, shows } from './guard';
import type { HostAgent } from './host-agent';

/** The fields of the body; 400 with the first error. */
function read<T>(reader: Reader<T>, body: unknown): T {
  try {
    return readMessage(reader, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  } catch (error) {
    throw error instanceof BadShape ? new BadRequestException(error.complaint) : error;
  }
}

@Controller('hosts/:host')
export class CommandsController {
  constructor(private readonly fleet: Fleet) {}

  @Put('vms/:vm')
  ensure(
    @Param('host') host: string,
    @Param('vm') vm: string,
    @Headers('authorization') key: string | undefined,
    @Body() body: unknown,
  ): Promise<VmAnswer> {
    return this.hostFor(host, key).ensure(vm, read(desiredReader, body));
  }

  @Get('vms')
  list(@Param('host') host: string, @Headers('authorization') key: string | undefined): VmAnswer[] {
    return this.hostFor(host, key).list();
  }

  @Post('vms/:vm/crash')
  @HttpCode(204)
  async crash(
    @Param('host') host: string,
    @Param('vm') vm: string,
    @Headers('authorization') key: string | undefined,
  ): Promise<void> {
    await this.hostFor(host, key).crash(vm);
  }

  @Put('power')
  power(
    @Param('host') host: string,
    @Headers('authorization') key: string | undefined,
    @Body() body: unknown,
  ): Promise<PowerAnswer> {
    return this.hostFor(host, key).power(read(powerReader, body));
  }

  @Put('plane')
  goAway(
    @Param('host') host: string,
    @Headers('authorization') key: string | undefined,
    @Body() body: unknown,
  ): Promise<PlaneAnswer> {
    return this.fleet.goAway(this.commanded(host, key), read(planeReader, body));
  }

  @Delete('plane')
  callBack(
    @Param('host') host: string,
    @Headers('authorization') key: string | undefined,
  ): Promise<PlaneAnswer> {
    return this.fleet.callBack(this.commanded(host, key));
  }

  @Get('console-ring')
  async consoleRing(
    @Param('host') host: string,
    @Headers('authorization') key: string | undefined,
  ): Promise<{ text: string }> {
    return { text: await this.hostFor(host, key).consoleRing() };
  }

  @Post('debug-keys')
  @HttpCode(204)
  async debugKeys(
    @Param('host') host: string,
    @Headers('authorization') key: string | undefined,
    @Body() body: unknown,
  ): Promise<void> {
    await this.hostFor(host, key).debugKeys(read(keysReader, body).keys);
  }

  private hostFor(uuid: string, key: string | undefined): HostAgent {
    const host = hostFor(this.fleet, uuid, key);
    if (!host) throw new ForbiddenException();
    return host;
  }
  /** For who sent the host away its key is good for this still. */
  private commanded(uuid: string, key: string | undefined): Commanded {
    const host = this.fleet.hosts.get(uuid);
    const sender = host && this.fleet.senderKey(host);
    return host && sender !== undefined && shows(key, sender)
      ? { host, sentBy: true }
      : { host: this.hostFor(uuid, key), sentBy: false };
  }
}

@Controller('health')
export class HealthController {
  @Get(['', 'live'])
  live(): { status: string } {
    return { status: 'ok' };
  }
}

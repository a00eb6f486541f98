/** Where agents report. Their messages are not XenAPI: shapes are checked here, rights in libs/xapi by each host's token. */
import { BadRequestException, Body, Controller, ForbiddenException, HttpCode, Inject, Post } from '@nestjs/common';
import { plainToInstance, type ClassConstructor } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { ClaimAnswer, JoinAnswer, RegistrationAnswer, RenewalAnswer, ReportAnswer, StandbyAnswer } from '@xenplane/hypervisor';
import { claim, depart, join, Refused, register, renew, report, standBy, type Plane } from '@xenplane/xapi';
import { ClaimsDto, DeparturesDto, JoinDto, RegistrationsDto, RenewalsDto, ReportsDto, StandbysDto } from './agents.dto';
import { planeToken } from './tokens';

@Controller('agent/v1')
export class AgentsController {
  constructor(@Inject(planeToken) private readonly plane: Plane) {}

  @Post('joins')
  @HttpCode(200)
  async join(@Body() body: unknown): Promise<JoinAnswer> {
    try {
      return await join(this.plane, valid(JoinDto, body));
    } catch (error) {
      if (error instanceof Refused) throw new ForbiddenException(error.message);
      throw error;
    }
  }

  @Post('registrations')
  @HttpCode(200)
  register(@Body() body: unknown): Promise<RegistrationAnswer> {
    return register(this.plane, valid(RegistrationsDto, body));
  }

  @Post('renewals')
  @HttpCode(200)
  renew(@Body() body: unknown): Promise<RenewalAnswer> {
    return renew(this.plane, valid(RenewalsDto, body));
  }

  @Post('claims')
  @HttpCode(200)
  claim(@Body() body: unknown): Promise<ClaimAnswer> {
    return claim(this.plane, valid(ClaimsDto, body));
  }

  @Post('reports')
  @HttpCode(200)
  report(@Body() body: unknown): Promise<ReportAnswer> {
    return report(this.plane, valid(ReportsDto, body));
  }

  @Post('departures')
  @HttpCode(200)
  async depart(@Body() body: unknown): Promise<object> {
    await depart(this.plane, valid(DeparturesDto, body));
    return {};
  }

  @Post('standbys')
  @HttpCode(200)
  standBy(@Body() body: unknown): Promise<StandbyAnswer> {
    return standBy(this.plane, valid(StandbysDto, body));
  }
}

/** The body as the shape says, or 400 with what is wrong. */
function valid<T extends object>(shape: ClassConstructor<T>, body: unknown): T {
  const given = plainToInstance(shape, parsed(body));
  const problems = validateSync(given, { whitelist: true });
  if (problems.length > 0) throw new BadRequestException(problems.map((p) => p.toString(false, undefined, undefined, true)));
  return given;
}
function parsed(body: unknown): unknown {
  try {
    return Buffer.isBuffer(body) ? JSON.parse(body.toString('utf8')) : {};
  } catch {
    throw new BadRequestException('not JSON');
  }
}

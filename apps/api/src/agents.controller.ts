/** Where agents report. Their messages are not XenAPI: shapes are checked here, rights in libs/xapi by each host's token. */
import { BadRequestException, Body, Controller, Delete, Headers, HttpCode, HttpException, Inject, Param, Post } from '@nestjs/common';
import { plainToInstance, type ClassConstructor } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { ClaimAnswer, InvitationAnswer, JoinAnswer, RegistrationAnswer, RenewalAnswer, ReportAnswer, StandbyAnswer } from '@xenplane/hypervisor';
import { XenError } from '@xenplane/model';
import { claim, depart, Dispatcher, invite, join, livingApis, register, renew, report, standBy, withdraw, type Plane, type Session } from '@xenplane/xapi';
import { ClaimsDto, DeparturesDto, InvitationDto, JoinsDto, RegistrationsDto, RenewalsDto, ReportsDto, StandbysDto } from './agents.dto';
import { planeToken } from './tokens';

@Controller('agent/v1')
export class AgentsController {
  constructor(@Inject(planeToken) private readonly plane: Plane) {}

  @Post('joins')
  @HttpCode(200)
  join(@Body() body: unknown): Promise<JoinAnswer> {
    return join(this.plane, valid(JoinsDto, body));
  }

  @Post('registrations')
  @HttpCode(200)
  register(@Body() body: unknown): Promise<RegistrationAnswer> {
    return this.teaching(register(this.plane, valid(RegistrationsDto, body)));
  }

  @Post('renewals')
  @HttpCode(200)
  renew(@Body() body: unknown): Promise<RenewalAnswer> {
    return renew(this.plane, valid(RenewalsDto, body));
  }

  @Post('claims')
  @HttpCode(200)
  claim(@Body() body: unknown): Promise<ClaimAnswer> {
    return this.teaching(claim(this.plane, valid(ClaimsDto, body)));
  }

  @Post('reports')
  @HttpCode(200)
  report(@Body() body: unknown): Promise<ReportAnswer> {
    return this.teaching(report(this.plane, valid(ReportsDto, body)));
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

  private async teaching<T extends object>(answer: Promise<T>): Promise<T> {
    return { ...(await answer), apis: livingApis(this.plane) };
  }
}

/** Control planes speak to one another by a session of the other; refusals are errors of the XenAPI. */
@Controller('agent/v1/invitations')
export class InvitationsController {
  constructor(
    @Inject(planeToken) private readonly plane: Plane,
    @Inject(Dispatcher) private readonly dispatcher: Dispatcher,
  ) {}

  @Post()
  @HttpCode(200)
  invite(@Headers('authorization') given: string | undefined, @Body() body: unknown): Promise<InvitationAnswer> {
    const request = valid(InvitationDto, body);
    return this.inSession(given, (session) => invite(this.plane, session, request));
  }

  @Delete(':host')
  async withdraw(@Headers('authorization') given: string | undefined, @Param('host') host: string): Promise<object> {
    await this.inSession(given, (session) => withdraw(this.plane, session, host));
    return {};
  }

  private async inSession<T>(given: string | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await work(await this.dispatcher.sessions.find(/^Session (.+)$/.exec(given ?? '')?.[1] ?? ''));
    } catch (error) {
      throw error instanceof XenError ? new HttpException({ error: error.description }, 403) : error;
    }
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

/** Where agents report. Who may send is asked in agent-routes.ts; shapes are read here; what counts for each host its token decides in libs/xapi. */
import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Headers,
  HttpCode,
  HttpException,
  Inject,
  Param,
  Post,
} from '@nestjs/common';
import {
  BadShape,
  claimsReader,
  departuresReader,
  invitationReader,
  joinsReader,
  readMessage,
  registrationsReader,
  renewalsReader,
  reportsReader,
  standbysReader,
  type Reader,
} from '@xenplane/hypervisor';
import type {
  ClaimAnswer,
  InvitationAnswer,
  JoinAnswer,
  RegistrationAnswer,
  RenewalAnswer,
  ReportAnswer,
  StandbyAnswer,
} from '@xenplane/hypervisor';
import { XenError } from '@xenplane/model';
import {
  grantClaim,
  releaseLease,
  Dispatcher,
  invite,
  joinHosts,
  livingApis,
  registerHosts,
  renewLease,
  applyReport,
  powerStateWanted,
  withdraw,
  type Plane,
  type Session,
} from '@xenplane/xapi';
import { tokenIn } from './agent-routes';
import { planeToken } from './tokens';

@Controller('agent/v1')
export class AgentsController {
  constructor(@Inject(planeToken) private readonly plane: Plane) {}

  @Post('joins')
  @HttpCode(200)
  join(@Body() body: unknown): Promise<JoinAnswer> {
    return joinHosts(this.plane, read(joinsReader, body));
  }

  @Post('registrations')
  @HttpCode(200)
  register(@Body() body: unknown): Promise<RegistrationAnswer> {
    return this.teaching(registerHosts(this.plane, read(registrationsReader, body)));
  }

  @Post('renewals')
  @HttpCode(200)
  renew(@Body() body: unknown): Promise<RenewalAnswer> {
    return renewLease(this.plane, read(renewalsReader, body));
  }

  @Post('claims')
  @HttpCode(200)
  claim(@Body() body: unknown): Promise<ClaimAnswer> {
    return this.teaching(grantClaim(this.plane, read(claimsReader, body)));
  }

  @Post('reports')
  @HttpCode(200)
  report(@Body() body: unknown): Promise<ReportAnswer> {
    return this.teaching(applyReport(this.plane, read(reportsReader, body)));
  }

  @Post('departures')
  @HttpCode(200)
  async depart(@Body() body: unknown): Promise<object> {
    await releaseLease(this.plane, read(departuresReader, body));
    return {};
  }

  @Post('standbys')
  @HttpCode(200)
  standBy(@Body() body: unknown): Promise<StandbyAnswer> {
    return powerStateWanted(this.plane, read(standbysReader, body));
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
  invite(
    @Headers('authorization') given: string | undefined,
    @Body() body: unknown,
  ): Promise<InvitationAnswer> {
    const request = read(invitationReader, body);
    return this.inSession(given, (session) => invite(this.plane, session, request));
  }

  @Delete(':host')
  async withdraw(
    @Headers('authorization') given: string | undefined,
    @Param('host') host: string,
  ): Promise<object> {
    await this.inSession(given, (session) => withdraw(this.plane, session, host));
    return {};
  }

  private async inSession<T>(given: string | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await work(await this.dispatcher.sessions.findNow(tokenIn(given)));
    } catch (error) {
      throw error instanceof XenError ? new HttpException({ error: error.description }, 403) : error;
    }
  }
}

/** Reads the body; 400 with the first thing that is wrong. */
function read<T>(reader: Reader<T>, body: unknown): T {
  try {
    return readMessage(reader, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  } catch (error) {
    throw error instanceof BadShape ? new BadRequestException(error.complaint) : error;
  }
}

/** Prometheus figures: the process itself, and the pool as the replica has it. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { ApiSettings } from '@xenplane/config';
import { Dispatcher, type Plane } from '@xenplane/xapi';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { refuse } from './adapter';
import { asRefusal, parametersOf } from './handlers/gateway';
import { logIn, forbidden } from './handlers/exchange/login';
import { planeToken, settingsToken } from './tokens';
import { TrustedProxies, requestOrigin } from './request-origin';

const isLoopback = ({ remoteAddress = '' }: Socket): boolean =>
  /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress);

@Controller('metrics')
export class MetricsController {
  private readonly registry = new Registry();
  private readonly objects = new Gauge({
    name: 'xenplane_objects',
    help: 'Objects of the pool by class',
    labelNames: ['class'],
    registers: [this.registry],
  });
  private readonly vms = new Gauge({
    name: 'xenplane_vms',
    help: 'VMs by power state, templates and control domains left out',
    labelNames: ['power_state'],
    registers: [this.registry],
  });
  private readonly hosts = new Gauge({
    name: 'xenplane_host_memory_free_bytes',
    help: 'Memory that is not reserved, by host',
    labelNames: ['host', 'name'],
    registers: [this.registry],
  });

  private readonly calls = new Gauge({
    name: 'xenplane_calls',
    help: 'Calls that are at work or wait for their turn, by queue',
    labelNames: ['queue', 'state'],
    registers: [this.registry],
  });
  private readonly proxies: TrustedProxies;

  constructor(
    @Inject(planeToken) private readonly plane: Plane,
    @Inject(settingsToken) private readonly settings: ApiSettings,
    private readonly dispatcher: Dispatcher,
  ) {
    this.proxies = new TrustedProxies(settings.trustedProxies);
    collectDefaultMetrics({ register: this.registry, prefix: 'xenplane_api_' });
  }

  @Get()
  async metrics(@Req() { raw }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    try {
      await this.assertMay(raw);
    } catch (error) {
      return refuse(reply, asRefusal(error));
    }
    this.collect();
    await reply.header('content-type', this.registry.contentType).send(await this.registry.metrics());
  }

  /** They name hosts: a login of any role, by session or by name and password; a setting lets this machine in without one. */
  private async assertMay(request: IncomingMessage): Promise<void> {
    if (this.settings.metrics === 'loopback' && isLoopback(request.socket)) return;
    const { session, own } = await logIn(this.dispatcher, request, {
      query: parametersOf(request),
      way: requestOrigin(request, this.proxies),
    }).catch(forbidden);
    if (own && session) await this.dispatcher.sessions.close(session.ref);
  }

  private collect(): void {
    const { turns: queues, readsBehind } = this.dispatcher.lanes;
    this.calls.set({ queue: 'replica', state: 'waiting' }, readsBehind);
    for (const [queue, turns] of Object.entries(queues)) {
      this.calls.set({ queue, state: 'working' }, turns.inside);
      this.calls.set({ queue, state: 'waiting' }, turns.waiting);
    }
    const { replica } = this.plane;
    for (const [cls, count] of Object.entries(replica.counts())) this.objects.set({ class: cls }, count);
    const states = new Map<string, number>([
      ['Running', 0],
      ['Halted', 0],
      ['Paused', 0],
      ['Suspended', 0],
    ]);
    for (const ref of replica.refs('VM')) {
      const vm = replica.stored('VM', ref);
      if (vm && !vm.is_a_template && !vm.is_control_domain)
        states.set(vm.power_state, (states.get(vm.power_state) ?? 0) + 1);
    }
    for (const [state, count] of states) this.vms.set({ power_state: state }, count);
    for (const ref of replica.refs('host')) {
      const host = replica.stored('host', ref),
        metrics = host && replica.stored('host_metrics', host.metrics);
      if (host && metrics) this.hosts.set({ host: host.uuid, name: host.name_label }, metrics.memory_free);
    }
  }
}

/** The host that a request is about: named by uuid or reference, else the one that is spoken to. */
import { asRef, isNullRef, XenError, type Ref } from '@xenplane/model';
import { assertLive } from '@xenplane/xapi';
import { reading } from '@xenplane/store';
import type { Exchange } from '../exchange/exchange';
import { hostOf } from './rrd';

const parameters = ['host_id', 'host_uuid', 'host', 'uuid', 'ref'];

export function hostNamed(exchange: Exchange): Ref<'host'> {
  const { query, plane } = exchange;
  const name = parameters
    .map((p) => query.get(p))
    .find((value) => value !== null && value !== '' && !isNullRef(asRef(value)));
  if (name === undefined || name === null) return hostOf(exchange);
  const ref = plane.replica.byUuid('host', name) ?? asRef<'host'>(name);
  if (!plane.replica.has('host', ref))
    throw name.startsWith('OpaqueRef:')
      ? new XenError('HANDLE_INVALID', 'host', name)
      : new XenError('UUID_INVALID', 'host', name);
  return ref;
}

/** The same, when the host itself has to answer. */
export async function liveHost(exchange: Exchange): Promise<Ref<'host'>> {
  await exchange.plane.replica.fresh();
  const host = hostNamed(exchange);
  await reading(exchange.plane.store, (tx) => assertLive(tx, host));
  return host;
}

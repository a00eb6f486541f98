/** The logs of a host: its console ring, the operations that ran for it, alerts about it, and the audit trail. */
import { XenError, type Ref } from '@xenplane/model';
import { reading } from '@xenplane/store';
import type { Plane } from '../../core/context';
import { inParts, textFile, type HostFile } from './file';
import { auditLines } from '../../tables/audit';
import { operationsOfHost, type HostOperation } from '../../tables/operations/operations';

const linesAtOnce = 1000;

export async function ringOf(plane: Plane, host: Ref<'host'>): Promise<HostFile> {
  const ring = await plane.agents.consoleRing(host);
  if (!ring) throw new XenError('CANNOT_CONTACT_HOST', host);
  return textFile('var/log/xen/hypervisor.log', ring.text);
}

const lineOf = ({ ref, at, method, state, error }: HostOperation): string =>
  `[${at}|info|xenplane|${ref}|${method}] ${state}${error ? ` ${JSON.stringify(error)}` : ''}\n`;

/** Operations that name the host, and those that were placed on it. */
async function* operations(plane: Plane, host: Ref<'host'>): AsyncGenerator<string> {
  for (let after: readonly [string, string] = ['-infinity', '']; ;) {
    const rows = await operationsOfHost(plane.store, host, { after, count: linesAtOnce });
    for (const row of rows) yield lineOf(row);
    const last = rows.at(-1);
    if (!last) return;
    after = [last.key, last.ref];
  }
}

async function* audit(plane: Plane): AsyncGenerator<string> {
  for (let after = 0; ;) {
    const lines = await auditLines(plane.store, undefined, after, linesAtOnce);
    const last = lines.at(-1);
    if (!last) return;
    yield `${lines.map((l) => l.line).join('\n')}\n`;
    after = last.id;
  }
}

async function* alerts(plane: Plane, host: Ref<'host'>): AsyncGenerator<string> {
  const messages = await reading(plane.store, async (tx) =>
    tx.find('message', { cls: 'Host', obj_uuid: (await tx.get('host', host)).uuid }),
  );
  for (const { timestamp, priority, name, body } of messages.sort((a, b) =>
    a.timestamp.localeCompare(b.timestamp),
  ))
    yield `[${timestamp}|${priority}|${name}] ${body.replaceAll('\n', ' ')}\n`;
}

export async function* logFiles(plane: Plane, host: Ref<'host'>): AsyncGenerator<HostFile> {
  yield await ringOf(plane, host);
  yield* inParts('var/log/xensource.log', operations(plane, host));
  yield* inParts('var/log/alerts.log', alerts(plane, host));
  yield* inParts('var/log/audit.log', audit(plane));
}

/** The shape of a request for renewals, checked entry by entry up to the first that is wrong. */
import type { HostLoad, Renewal, RenewalRequest } from '@xenplane/hypervisor';

/** An agent with more hosts asks in several requests. */
export const mostRenewals = 1_000;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const longestToken = 256;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function loadOf(value: unknown): HostLoad | undefined {
  if (!isObject(value)) return undefined;
  const { memoryFreeBytes, domains, cpuUsage } = value;
  if (!isCount(memoryFreeBytes) || !isCount(domains) || typeof cpuUsage !== 'number' || !(cpuUsage >= 0 && cpuUsage <= 1)) return undefined;
  return { memoryFreeBytes, domains, cpuUsage };
}

function renewalOf(value: unknown): Renewal | undefined {
  if (!isObject(value)) return undefined;
  const { host, token, hostEpoch } = value,
    load = loadOf(value['load']);
  if (typeof host !== 'string' || !uuid.test(host) || typeof token !== 'string' || token.length > longestToken || !isCount(hostEpoch) || !load)
    return undefined;
  return { host, token, hostEpoch, load };
}

/** The request in the bytes; undefined when they are none. */
export function renewalsOf(bytes: Buffer): RenewalRequest | undefined {
  const body = parsed(bytes),
    asked = isObject(body) ? body['renewals'] : undefined;
  if (!Array.isArray(asked) || asked.length > mostRenewals) return undefined;
  const renewals: Renewal[] = [];
  for (const one of asked) {
    const renewal = renewalOf(one);
    if (!renewal) return undefined;
    renewals.push(renewal);
  }
  return { renewals };
}
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The entries of a host's status report. */
import type { StoredRecord } from '@xenplane/model';

interface Capability {
  readonly key: string;
  readonly chosen: boolean;
  readonly pii: 'no' | 'maybe' | 'yes' | 'if_customized';
  readonly mostBytes: number;
  readonly mostSeconds: number;
}
const capability = (
  key: string,
  pii: Capability['pii'],
  mostBytes: number,
  mostSeconds = -1,
  chosen = true,
): Capability => ({
  key,
  chosen,
  pii,
  mostBytes,
  mostSeconds,
});
export const capabilities: readonly Capability[] = [
  capability('hardware-info', 'maybe', 2 ** 21, 20),
  capability('high-availability', 'maybe', 2 ** 22, 1),
  capability('host-crashdump-logs', 'no', 2 ** 16),
  capability('kernel-info', 'maybe', 2 ** 17, 5),
  capability('multipath', 'maybe', 2 ** 15, 1),
  capability('network-config', 'if_customized', 2 ** 17),
  capability('network-status', 'yes', 2 ** 16, 5),
  capability('process-list', 'yes', 2 ** 15, 5),
  capability('system-logs', 'maybe', 2 ** 26, 10),
  capability('system-services', 'no', 2 ** 14, 5),
  capability('xapi-db', 'yes', 2 ** 22, 10),
  capability('xen-info', 'maybe', 2 ** 17, 10),
  capability('xenserver-config', 'maybe', 2 ** 20),
  capability('xenserver-databases', 'yes', 2 ** 23, 20, false),
];

export function capabilitiesXml(): string {
  const lines = capabilities.map(
    ({ key, chosen, pii, mostBytes, mostSeconds }) =>
      `<capability key="${key}" content-type="text/plain" default-checked="${chosen ? 'yes' : 'no'}" pii="${pii}" min-size="-1" max-size="${mostBytes}" min-time="-1" max-time="${mostSeconds}"/>`,
  );
  return `<?xml version="1.0" ?><system-status-capabilities>${lines.join('')}</system-status-capabilities>`;
}

/** Without what opens doors. */
export function shownHost(host: StoredRecord<'host'>): object {
  const {
    license_params: _licence,
    power_on_config: _secrets,
    external_auth_configuration: _login,
    ...shown
  } = host;
  return shown;
}

export const statusReport = (host: StoredRecord<'host'>, consoleRing: string): string =>
  JSON.stringify({ 'xenserver-config': shownHost(host), 'xen-info': { dmesg: consoleRing } }, undefined, 1);

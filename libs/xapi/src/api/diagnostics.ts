/** How hosts and their management agents are, for people who look after them. Any process of the control plane answers for every host. */
import { classes, type CallsOf, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { residents } from '../host/evacuation';
import { assertLive } from '../host/host-use';

/** The storages of a host, and under each the disks that its guests have open. */
async function storageOf(tx: Tx, host: Ref<'host'>): Promise<string> {
  await assertLive(tx, host);
  const open: { readonly sr: string; readonly line: string }[] = [];
  for (const vm of await residents(tx, host))
    for (const { VDI } of await tx.find('VBD', { VM: vm.ref, currently_attached: true, empty: false })) {
      const vdi = await tx.get('VDI', VDI);
      open.push({ sr: vdi.SR, line: `  VDI ${vdi.uuid} (VM ${vm.uuid})` });
    }
  const lines: string[] = ['Storage that is plugged:'];
  for (const { SR } of await tx.find('PBD', { host, currently_attached: true })) {
    const { uuid, type } = await tx.get('SR', SR);
    lines.push(`SR ${uuid} (${type})`, ...open.filter(({ sr }) => sr === SR).map(({ line }) => line));
  }
  return lines.join('\n');
}
async function workOf(tx: Tx, host: Ref<'host'>): Promise<string> {
  await assertLive(tx, host);
  const tasks = await tx.find('task', { resident_on: host, status: 'pending' });
  return ['Tasks under way:', ...tasks.map(({ uuid, name_label }) => `${uuid} ${name_label}`)].join('\n');
}

type Told = 'get_sm_diagnostics' | 'get_thread_diagnostics' | 'get_diagnostic_timing_stats' | 'sm_dp_destroy';
export const hostDiagnostics: Pick<CallsOf<typeof classes.host, Context>, Told> = {
  get_sm_diagnostics: ({ tx }, { host }) => storageOf(tx, host),
  get_thread_diagnostics: ({ tx }, { host }) => workOf(tx, host),
  /** Durations are in the metrics. */
  get_diagnostic_timing_stats: async ({ tx }, { host }) => {
    await assertLive(tx, host);
    return {};
  },
  /** None is ever left over. */
  sm_dp_destroy: ({ tx }, { host }) => assertLive(tx, host),
};

export const diagnosticsCalls: CallsOf<typeof classes.Diagnostics, Context> = {
  gc_compact: ({ tx }, { host }) => assertLive(tx, host),
  gc_stats: async ({ tx }, { host }) => {
    await assertLive(tx, host);
    return Object.fromEntries(
      Object.entries(process.memoryUsage()).map(([name, bytes]) => [name, String(bytes)]),
    );
  },
  /** There is no such lock. */
  db_stats: async () => ({ n: '0', avgtime: '0.000000', min: '0.000000', max: '0.000000' }),
  /** Requests are counted in the metrics, not by the call. */
  network_stats: async ({ tx }, { host }) => {
    await assertLive(tx, host);
    return [];
  },
};

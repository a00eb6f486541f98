/** A status report: for each of its entries the files that say what is known. */
import { type ClassName, type Ref, type StoredRecord } from '@xenplane/model';
import { reading } from '@xenplane/store';
import type { Plane } from '../../core/context';
import { databaseXml } from '../../database-file/dump';
import { capabilities, shownHost } from '../system-status';
import { inParts, jsonFile, type HostFile } from './file';
import { logFiles, ringOf } from './logs';
import { placementsOfHost, reservationsOfHost, runsOfHost } from '../../tables/runs/host-reports';

type Host = StoredRecord<'host'>;
type Files = AsyncIterable<HostFile> | Iterable<HostFile>;
interface About {
  readonly plane: Plane;
  readonly ref: Ref<'host'>;
  readonly host: Host;
}

/** Records of a class that are the host's. */
const owned = ({ plane, ref }: About, cls: ClassName): unknown[] =>
  [...plane.replica.refs(cls)].flatMap((r) => {
    const record = plane.replica.record(cls, r);
    return record && 'host' in record && record.host === ref ? [{ ref: r, ...record }] : [];
  });
const rows = (plane: Plane, sql: string, host: string): Promise<unknown[]> => plane.store.query(sql, [host]);

async function* one(name: string, value: unknown): AsyncGenerator<HostFile> {
  yield jsonFile(`${name}.json`, await value);
}

const pool = ({ plane }: About): StoredRecord<'pool'> | undefined =>
  [...plane.replica.refs('pool')].map((r) => plane.replica.stored('pool', r))[0];

const collectors: Readonly<Record<string, (about: About) => Files>> = {
  'hardware-info': (about) => {
    const { cpu_info, bios_strings, chipset_info } = about.host;
    return one('hardware-info', {
      cpu_info,
      bios_strings,
      chipset_info,
      processors: owned(about, 'host_cpu'),
      pci: owned(about, 'PCI'),
    });
  },
  'high-availability': (about) => {
    const { ha_statefiles, ha_network_peers } = about.host;
    const { ha_enabled, ha_configuration, ha_host_failures_to_tolerate, ha_plan_exists_for } =
      pool(about) ?? {};
    return one('high-availability', {
      ha_enabled,
      ha_configuration,
      ha_host_failures_to_tolerate,
      ha_plan_exists_for,
      ha_statefiles,
      ha_network_peers,
    });
  },
  'host-crashdump-logs': (about) => one('host-crashdump-logs', owned(about, 'host_crashdump')),
  'kernel-info': ({ host }) => one('kernel-info', host.software_version),
  multipath: (about) =>
    one('multipath', { multipathing: about.host.multipathing, connections: owned(about, 'PBD') }),
  'network-config': (about) => one('network-config', owned(about, 'PIF')),
  'network-status': ({ plane, ref }) =>
    one(
      'network-status',
      rows(
        plane,
        'SELECT p.device, m.* FROM pif p JOIN pif_metrics m ON m.ref = p.metrics WHERE p.host = $1',
        ref,
      ),
    ),
  'process-list': ({ plane, ref }) => one('process-list', runsOfHost(plane.store, ref)),
  'system-logs': ({ plane, ref }) => logFiles(plane, ref),
  'system-services': ({ host }) => {
    const { ssh_enabled, ssh_auto_mode, ntp_mode, ntp_custom_servers, timezone, logging } = host;
    return one('system-services', {
      ssh_enabled,
      ssh_auto_mode,
      ntp_mode,
      ntp_custom_servers,
      timezone,
      logging,
    });
  },
  'xapi-db': ({ plane }) => inParts('xapi-db.xml', databaseXml(plane, ['secret', 'session', 'host', 'VTPM'])),
  'xen-info': async function* ({ plane, ref }) {
    yield await ringOf(plane, ref);
  },
  'xenserver-config': ({ host }) => one('xenserver-config', shownHost(host)),
  'xenserver-databases': async function* ({ plane, ref }) {
    yield* one('reservations', reservationsOfHost(plane.store, ref));
    yield* one('placements', placementsOfHost(plane.store, ref));
  },
};

/** Those that are asked for, or those that are chosen when nobody says. Each is a folder. */
export async function* reportFiles(
  plane: Plane,
  ref: Ref<'host'>,
  entries: readonly string[],
): AsyncGenerator<HostFile> {
  const host = await reading(plane.store, (tx) => tx.get('host', ref));
  const wanted = capabilities.filter(({ key, chosen }) =>
    entries.length > 0 ? entries.includes(key) : chosen,
  );
  for (const { key } of wanted)
    for await (const file of collectors[key]?.({ plane, ref, host }) ?? [])
      yield { ...file, name: `bug-report/${key}/${file.name}` };
}

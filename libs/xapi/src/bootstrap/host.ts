/** All records of hosts that join: themselves, Dom0, CPUs, NICs, their local storage and their way to the shared storage. */
import { storage } from '@xenplane/domain';
import type { Inventory } from '@xenplane/hypervisor';
import { isNullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Inserted, Tx } from '@xenplane/store';
import { addressFor, consoleLocation } from '../core/addressing';
import { freeNumbers, insertHostRuns } from '../tables/runs/host-runs';
import { dateTime, type Plane } from '../core/context';
import { keepSecrets, lacksSecrets } from '../storage/device-secrets';
import { introduceCertificates } from '../host/host-certificates';
import { recordWith } from '../core/records';
import { insertHardware } from '../tables/host-hardware';
import { addDevices } from './devices';
import { addNics } from './nics';
import { refOf, seededUuid } from '../core/seeded';
import { addSrs, deviceConfig } from './storage';
import { capabilities, chipsetInfo, cpuInfo, licenseParams, softwareVersion } from './versions';

const MiB = 2 ** 20;
/** Memory that the hypervisor keeps for itself besides Dom0. */
export const hypervisorBytes = 256 * MiB;

interface Coming {
  readonly uuid: string;
  readonly inventory: Inventory;
}
/** One of the hosts that join together. */
interface Joining extends Coming {
  /** In its pool. */
  readonly number: number;
  readonly address: string;
}

/** Numbers as their names count, where several come at once. */
async function numbered(tx: Tx, plane: Plane, coming: readonly Coming[]): Promise<Joining[]> {
  const addressing = plane.settings.addressing();
  const inOrder = coming.toSorted((a, b) =>
    a.inventory.nameLabel.localeCompare(b.inventory.nameLabel, 'en', { numeric: true }),
  );
  const numbers = await freeNumbers(tx, coming.length);
  return inOrder.map((one, i) => ({
    ...one,
    number: numbers[i] ?? 0,
    address: addressFor(addressing, numbers[i] ?? 0),
  }));
}

/** Of many hosts in a few statements: what each brings follows from its uuid and its inventory. */
export async function addHosts(tx: Tx, plane: Plane, coming: readonly Coming[]): Promise<void> {
  if (coming.length === 0) return;
  const joining = await numbered(tx, plane, coming);
  const at = plane.clock.now(),
    now = dateTime(at);
  await tx.insertAll(
    'host_metrics',
    joining.map((one) => metricsRecord(one, now)),
  );
  await addLocalSrs(tx, plane, joining);
  await tx.insertAll(
    'host',
    joining.map((one) => ({ ref: hostRef(one), ...hostRecord(plane, one, now) })),
  );
  await addDom0s(tx, joining, now);
  await tx.insertAll('host_cpu', joining.flatMap(cpuRecords));
  for (const { uuid, inventory } of joining) await addDevices(tx, refOf('host', uuid), uuid, inventory);
  await addNics(tx, joining, at);
  await addPbds(tx, plane, joining);
  await addRuns(tx, joining);
  await insertHardware(
    tx,
    joining.map((one) => [hostRef(one), one.inventory]),
  );
  await introduceCertificates(tx, plane, joining.map(hostRef));
  await growPool(tx, joining);
}

const hostRef = ({ uuid }: Joining): Ref<'host'> => refOf('host', uuid);
const localSrRef = ({ uuid }: Joining): Ref<'SR'> => refOf('SR', seededUuid(uuid, 'sr', 'local'));
const dom0Ref = ({ uuid }: Joining): Ref<'VM'> => refOf('VM', seededUuid(uuid, 'dom0'));
const metricsUuid = ({ uuid }: Joining): string => seededUuid(uuid, 'metrics');
const freeBytes = ({ inventory }: Joining): number =>
  inventory.memoryBytes - inventory.dom0MemoryBytes - hypervisorBytes;
const threadsOf = ({ inventory }: Joining): number =>
  inventory.sockets * inventory.coresPerSocket * inventory.threadsPerCore;

function metricsRecord(one: Joining, last_updated: string): Inserted<'host_metrics'> {
  const uuid = metricsUuid(one);
  const memory = { memory_total: one.inventory.memoryBytes, memory_free: freeBytes(one) };
  return {
    ref: refOf('host_metrics', uuid),
    ...recordWith('host_metrics', { ...memory, uuid, live: false, last_updated }),
  };
}

const addRuns = (tx: Tx, joining: readonly Joining[]): Promise<void> =>
  insertHostRuns(
    tx,
    joining.map((one) => ({
      host: hostRef(one),
      uuid: one.uuid,
      memoryTotal: one.inventory.memoryBytes,
      memoryFree: freeBytes(one),
      pcpus: threadsOf(one),
      number: one.number,
      address: one.address,
    })),
  );

function hostRecord(plane: Plane, one: Joining, now: string): StoredRecord<'host'> {
  const { uuid, inventory } = one;
  const started = `${Math.floor(plane.clock.now().getTime() / 1000)}.`;
  return recordWith('host', {
    uuid,
    name_label: inventory.nameLabel,
    name_description: 'Simulated host',
    memory_overhead: hypervisorBytes,
    API_version_major: 2,
    API_version_minor: 21,
    API_version_vendor: 'XenSource',
    enabled: true,
    software_version: softwareVersion(inventory),
    other_config: {
      agent_start_time: started,
      boot_time: started,
      iscsi_iqn: `iqn.2026-01.org.xenplane:${uuid.slice(0, 8)}`,
    },
    capabilities: capabilities(inventory),
    cpu_configuration: {},
    sched_policy: 'credit2',
    supported_bootloaders: ['pygrub', 'eliloader'],
    suspend_image_sr: localSrRef(one),
    crash_dump_sr: localSrRef(one),
    cpu_info: cpuInfo(inventory),
    hostname: inventory.nameLabel,
    address: one.address,
    metrics: refOf('host_metrics', metricsUuid(one)),
    license_params: licenseParams(inventory),
    edition: 'xcp-ng',
    license_server: { address: 'localhost', port: '27000' },
    bios_strings: { ...inventory.biosStrings },
    chipset_info: chipsetInfo(inventory),
    virtual_hardware_platform_versions: [0, 1, 2],
    control_domain: dom0Ref(one),
    editions: ['xcp-ng'],
    ssl_legacy: false,
    last_software_update: now,
    iscsi_iqn: `iqn.2026-01.org.xenplane:${uuid.slice(0, 8)}`,
    tls_verification_enabled: false,
    latest_synced_updates_applied: 'unknown',
  });
}

async function addDom0s(tx: Tx, joining: readonly Joining[], now: string): Promise<void> {
  const metricsOf = (one: Joining): string => seededUuid(seededUuid(one.uuid, 'dom0'), 'metrics');
  await tx.insertAll(
    'VM_metrics',
    joining.map((one) => ({
      ref: refOf('VM_metrics', metricsOf(one)),
      ...recordWith('VM_metrics', {
        uuid: metricsOf(one),
        memory_actual: one.inventory.dom0MemoryBytes,
        VCPUs_number: one.inventory.dom0Vcpus,
        start_time: now,
        install_time: now,
        last_updated: now,
        current_domain_type: 'pv',
      }),
    })),
  );
  await tx.insertAll(
    'VM',
    joining.map((one) => ({ ref: dom0Ref(one), ...dom0Record(one, refOf('VM_metrics', metricsOf(one))) })),
  );
  await tx.insertAll('console', joining.flatMap(dom0Consoles));
}

function dom0Record(one: Joining, metrics: Ref<'VM_metrics'>): StoredRecord<'VM'> {
  const { uuid, inventory } = one;
  const memory = inventory.dom0MemoryBytes;
  return recordWith('VM', {
    uuid: seededUuid(uuid, 'dom0'),
    name_label: `Control domain on host: ${inventory.nameLabel}`,
    name_description: 'The domain which manages physical devices and manages other domains',
    power_state: 'Running',
    user_version: 1,
    resident_on: hostRef(one),
    affinity: hostRef(one),
    memory_static_max: memory,
    memory_dynamic_max: memory,
    memory_dynamic_min: memory,
    memory_static_min: memory,
    memory_target: memory,
    VCPUs_max: inventory.dom0Vcpus,
    VCPUs_at_startup: inventory.dom0Vcpus,
    actions_after_shutdown: 'destroy',
    actions_after_reboot: 'destroy',
    actions_after_crash: 'destroy',
    is_control_domain: true,
    domid: 0,
    domain_type: 'pv',
    metrics,
    platform: { 'cores-per-socket': '1', secureboot: 'false' },
    HVM_boot_params: { firmware: 'bios', order: '' },
    domarch: 'x86_64',
  });
}

/** The control domain can be looked at in both ways. */
function dom0Consoles(one: Joining): Inserted<'console'>[] {
  return (['rfb', 'vt100'] as const).map((protocol) => {
    const uuid = seededUuid(one.uuid, 'console', protocol);
    const location = consoleLocation(one.address, uuid);
    return {
      ref: refOf('console', uuid),
      ...recordWith('console', { uuid, protocol, VM: dom0Ref(one), location }),
    };
  });
}

function cpuRecords(one: Joining): Inserted<'host_cpu'>[] {
  const { uuid: host, inventory } = one;
  const flags = cpuInfo(inventory)['flags'] ?? '';
  return Array.from({ length: threadsOf(one) }, (_, number) => {
    const uuid = seededUuid(host, 'cpu', number);
    return {
      ref: refOf('host_cpu', uuid),
      ...recordWith('host_cpu', {
        uuid,
        host: hostRef(one),
        number,
        vendor: inventory.cpuVendor,
        speed: inventory.cpuMhz,
        modelname: inventory.cpuModelName,
        family: 25,
        model: 1,
        stepping: '1',
        flags,
        features: inventory.cpuFeatures,
      }),
    };
  });
}

async function addLocalSrs(tx: Tx, plane: Plane, joining: readonly Joining[]): Promise<void> {
  await addSrs(
    tx,
    joining.map(({ uuid, inventory }) => ({
      uuid: seededUuid(uuid, 'sr', 'local'),
      label: 'Local storage',
      description: `Local storage of ${inventory.nameLabel}`,
      type: 'ext',
      content: 'user',
      shared: false,
      bytes: inventory.localDiskBytes,
      place: `${uuid}:${storage.localPartition}`,
      otherConfig: { 'i18n-key': 'local-storage' },
    })),
  );
  await tx.insertAll(
    'PBD',
    joining.map((one) =>
      pbdRecord(one, seededUuid(one.uuid, 'sr', 'local'), { device: storage.localPartition }),
    ),
  );
}

/** Configured as the other hosts are, with secrets of its own. A secret that is gone keeps no host out: its storage is not plugged there. */
async function addPbds(tx: Tx, plane: Plane, joining: readonly Joining[]): Promise<void> {
  const present = await tx.query<{ SR: string; device_config: Record<string, string> }>(
    'SELECT DISTINCT ON (p."SR") p."SR", p.device_config FROM pbd p JOIN sr s ON s.ref = p."SR" AND s.shared ORDER BY p."SR", p.ref',
  );
  const known = new Map(present.map((pbd) => [pbd.SR, pbd.device_config]));
  for (const sr of await tx.find('SR', { shared: true })) {
    const config = known.get(sr.ref) ?? deviceConfig(sr, plane.settings.imagesUrl);
    const configs = (await lacksSecrets(tx, config))
      ? undefined
      : await keepSecrets({ tx, plane }, config, joining.length);
    await tx.insertAll(
      'PBD',
      joining.map((one, i) => pbdRecord(one, sr.uuid, configs?.[i] ?? config, configs !== undefined)),
    );
  }
}

function pbdRecord(
  one: Joining,
  sr: string,
  device_config: Record<string, string>,
  currently_attached = true,
): Inserted<'PBD'> {
  const uuid = seededUuid(one.uuid, 'pbd', sr);
  return {
    ref: refOf('PBD', uuid),
    ...recordWith('PBD', {
      uuid,
      host: hostRef(one),
      SR: refOf('SR', sr),
      device_config,
      currently_attached,
    }),
  };
}

/** The first host becomes what old clients call the master; nothing depends on which one it is. */
async function growPool(tx: Tx, joining: readonly Joining[]): Promise<void> {
  const [first] = joining,
    [found] = await tx.find('pool', {});
  if (!found || !first) return;
  const pool = await tx.lock('pool', found.ref);
  const sum = (key: string, more: (one: Joining) => number): string =>
    String(joining.reduce((all, one) => all + more(one), Number(pool.cpu_info[key] ?? 0)));
  const info = cpuInfo(first.inventory);
  const features = Object.fromEntries(
    ['features_pv', 'features_hvm', 'features_pv_host', 'features_hvm_host'].map((k) => [k, info[k] ?? '']),
  );
  await tx.update('pool', pool.ref, {
    master: isNullRef(pool.master) ? hostRef(first) : pool.master,
    cpu_info: {
      ...features,
      vendor: first.inventory.cpuVendor,
      cpu_count: sum('cpu_count', threadsOf),
      socket_count: sum('socket_count', ({ inventory }) => inventory.sockets),
    },
  });
}

/** All records of a host that joins: itself, Dom0, CPUs, NICs, its local storage and its way to the shared storage. */
import { storage } from '@xenplane/domain';
import type { Inventory } from '@xenplane/hypervisor';
import { isNullRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { dateTime, type Plane } from '../context';
import { introduceCertificate } from '../host-certificates';
import { recordWith } from '../records';
import { insertHardware } from '../hardware';
import { addDevices } from './devices';
import { addNics, hostAddress } from './nics';
import { refOf, seededUuid } from './seeded';
import { addSr, deviceConfig } from './storage';
import { capabilities, cpuInfo, licenseParams, softwareVersion } from './versions';

const MiB = 2 ** 20;
/** What the hypervisor keeps for itself besides Dom0. */
export const hypervisorBytes = 256 * MiB;

export async function addHost(tx: Tx, plane: Plane, uuid: string, inventory: Inventory): Promise<Ref<'host'>> {
  const host = refOf('host', uuid);
  const metrics = seededUuid(uuid, 'metrics');
  const now = dateTime(plane.clock.now());
  const free = inventory.memoryBytes - inventory.dom0MemoryBytes - hypervisorBytes;
  const address = hostAddress(uuid);
  const dom0 = refOf('VM', seededUuid(uuid, 'dom0'));
  await tx.insert(
    'host_metrics',
    refOf('host_metrics', metrics),
    recordWith('host_metrics', { uuid: metrics, memory_total: inventory.memoryBytes, memory_free: free, live: false, last_updated: now }),
  );
  await addLocalSr(tx, plane, host, uuid, inventory);
  await tx.insert('host', host, hostRecord(plane, uuid, inventory, { metrics: refOf('host_metrics', metrics), dom0, address, now }));
  await addDom0(tx, host, uuid, inventory, now);
  await addDom0Consoles(tx, dom0, uuid, address);
  await addCpus(tx, host, uuid, inventory);
  await addDevices(tx, host, uuid, inventory);
  await addNics(tx, host, uuid, inventory, plane.clock.now());
  await addPbds(tx, plane, host, uuid);
  await tx.query(
    `INSERT INTO host_run(host, uuid, host_epoch, lease_seq, alive, agent_boot, hypervisor_boot, agent_url, command_key, token_hash, memory_total, memory_free, vcpus_placed, vms_placed, pcpus, load, accepting)
     VALUES ($1, $2, 0, 0, false, '', '', '', '', '', $3, $4, 0, 0, $5, '{}', true)`,
    [host, uuid, inventory.memoryBytes, free, inventory.sockets * inventory.coresPerSocket * inventory.threadsPerCore],
  );
  await insertHardware(tx, host, inventory);
  await introduceCertificate(tx, plane, host);
  await growPool(tx, host, inventory);
  return host;
}

interface Parts {
  readonly metrics: Ref<'host_metrics'>;
  readonly dom0: Ref<'VM'>;
  readonly address: string;
  readonly now: string;
}

function hostRecord(plane: Plane, uuid: string, inventory: Inventory, { metrics, dom0, address, now }: Parts) {
  const started = `${Math.floor(plane.clock.now().getTime() / 1000)}.`;
  const localSr = refOf('SR', seededUuid(uuid, 'sr', 'local'));
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
    other_config: { agent_start_time: started, boot_time: started, iscsi_iqn: `iqn.2026-01.org.xenplane:${uuid.slice(0, 8)}` },
    capabilities: capabilities(inventory),
    cpu_configuration: {},
    sched_policy: 'credit2',
    supported_bootloaders: ['pygrub', 'eliloader'],
    suspend_image_sr: localSr,
    crash_dump_sr: localSr,
    cpu_info: cpuInfo(inventory),
    hostname: inventory.nameLabel,
    address,
    metrics,
    license_params: licenseParams(inventory),
    edition: 'xcp-ng',
    license_server: { address: 'localhost', port: '27000' },
    bios_strings: { ...inventory.biosStrings },
    chipset_info: { iommu: 'true' },
    virtual_hardware_platform_versions: [0, 1, 2],
    control_domain: dom0,
    editions: ['xcp-ng'],
    ssl_legacy: false,
    last_software_update: now,
    iscsi_iqn: `iqn.2026-01.org.xenplane:${uuid.slice(0, 8)}`,
    tls_verification_enabled: false,
    latest_synced_updates_applied: 'unknown',
  });
}

async function addDom0(tx: Tx, host: Ref<'host'>, hostUuid: string, inventory: Inventory, now: string): Promise<void> {
  const uuid = seededUuid(hostUuid, 'dom0');
  const metrics = seededUuid(uuid, 'metrics');
  const memory = inventory.dom0MemoryBytes;
  await tx.insert(
    'VM_metrics',
    refOf('VM_metrics', metrics),
    recordWith('VM_metrics', {
      uuid: metrics,
      memory_actual: memory,
      VCPUs_number: inventory.dom0Vcpus,
      start_time: now,
      install_time: now,
      last_updated: now,
      current_domain_type: 'pv',
    }),
  );
  await tx.insert(
    'VM',
    refOf('VM', uuid),
    recordWith('VM', {
      uuid,
      name_label: `Control domain on host: ${inventory.nameLabel}`,
      name_description: 'The domain which manages physical devices and manages other domains',
      power_state: 'Running',
      user_version: 1,
      resident_on: host,
      affinity: host,
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
      metrics: refOf('VM_metrics', metrics),
      platform: { 'cores-per-socket': '1', secureboot: 'false' },
      HVM_boot_params: { firmware: 'bios', order: '' },
      domarch: 'x86_64',
    }),
  );
}

/** The control domain can be looked at in both ways. */
async function addDom0Consoles(tx: Tx, VM: Ref<'VM'>, hostUuid: string, address: string): Promise<void> {
  await tx.insertAll(
    'console',
    (['rfb', 'vt100'] as const).map((protocol) => {
      const uuid = seededUuid(hostUuid, 'console', protocol);
      return { ref: refOf('console', uuid), ...recordWith('console', { uuid, protocol, VM, location: `https://${address}/console?uuid=${uuid}` }) };
    }),
  );
}

async function addCpus(tx: Tx, host: Ref<'host'>, hostUuid: string, inventory: Inventory): Promise<void> {
  const count = inventory.sockets * inventory.coresPerSocket * inventory.threadsPerCore;
  await tx.insertAll(
    'host_cpu',
    Array.from({ length: count }, (_, number) => {
      const uuid = seededUuid(hostUuid, 'cpu', number);
      return {
        ref: refOf('host_cpu', uuid),
        ...recordWith('host_cpu', {
          uuid,
          host,
          number,
          vendor: inventory.cpuVendor,
          speed: inventory.cpuMhz,
          modelname: inventory.cpuModelName,
          family: 25,
          model: 1,
          stepping: '1',
          flags: cpuInfo(inventory)['flags'] ?? '',
          features: inventory.cpuFeatures,
        }),
      };
    }),
  );
}

async function addLocalSr(tx: Tx, plane: Plane, host: Ref<'host'>, hostUuid: string, inventory: Inventory): Promise<void> {
  const uuid = seededUuid(hostUuid, 'sr', 'local');
  await addSr(tx, {
    uuid,
    label: 'Local storage',
    description: `Local storage of ${inventory.nameLabel}`,
    type: 'ext',
    content: 'user',
    shared: false,
    bytes: inventory.localDiskBytes,
    place: `${hostUuid}:${storage.localPartition}`,
    otherConfig: { 'i18n-key': 'local-storage' },
  });
  const pbd = seededUuid(hostUuid, 'pbd', uuid);
  await tx.insert(
    'PBD',
    refOf('PBD', pbd),
    recordWith('PBD', {
      uuid: pbd,
      host,
      SR: refOf('SR', uuid),
      device_config: deviceConfig({ type: 'ext', uuid }, plane.settings.imagesUrl),
      currently_attached: true,
    }),
  );
}

async function addPbds(tx: Tx, plane: Plane, host: Ref<'host'>, hostUuid: string): Promise<void> {
  const shared = await tx.find('SR', { shared: true });
  await tx.insertAll(
    'PBD',
    shared.map((sr) => {
      const uuid = seededUuid(hostUuid, 'pbd', sr.uuid);
      return {
        ref: refOf('PBD', uuid),
        ...recordWith('PBD', { uuid, host, SR: sr.ref, device_config: deviceConfig(sr, plane.settings.imagesUrl), currently_attached: true }),
      };
    }),
  );
}

/** The first host becomes what old clients call the master; nothing depends on which one it is. */
async function growPool(tx: Tx, host: Ref<'host'>, inventory: Inventory): Promise<void> {
  const [first] = await tx.find('pool', {});
  if (!first) return;
  const pool = await tx.lock('pool', first.ref);
  const threads = inventory.sockets * inventory.coresPerSocket * inventory.threadsPerCore;
  const sum = (key: string, more: number): string => String(Number(pool.cpu_info[key] ?? 0) + more);
  const info = cpuInfo(inventory);
  const features = Object.fromEntries(['features_pv', 'features_hvm', 'features_pv_host', 'features_hvm_host'].map((k) => [k, info[k] ?? '']));
  await tx.update('pool', pool.ref, {
    master: isNullRef(pool.master) ? host : pool.master,
    cpu_info: { ...features, vendor: inventory.cpuVendor, cpu_count: sum('cpu_count', threads), socket_count: sum('socket_count', inventory.sockets) },
  });
}

/** raid.py, lsblk.py, smartctl.py, lvm.py, zfs.py, disk-space, trim and coalesce-leaf: the disks of a simulated host and its repositories. */
import { storage } from '@xenplane/domain';
import { json, raised, type PluginRequest, type Plugin } from './plugin';

interface LocalDisk {
  readonly bytes: number;
  readonly usedBytes: number;
}
/** The disk of the system, as big as the repository that lies on it from the beginning. */
async function systemDisk({ tx, host }: PluginRequest): Promise<LocalDisk> {
  const [row] = await tx.query<{ bytes: number; used: number }>(
    `SELECT s.physical_size AS bytes, s.physical_utilisation AS used FROM sr s JOIN pbd p ON p."SR" = s.ref
     WHERE p.host = $1 AND p.device_config->>'device' = $2`,
    [host.ref, storage.localPartition],
  );
  return { bytes: row?.bytes ?? 0, usedBytes: row?.used ?? 0 };
}
async function disksOf(asked: PluginRequest): Promise<storage.LocalDisk[]> {
  const { bytes } = await systemDisk(asked);
  return [{ path: storage.rootDevice, bytes }, ...storage.disksOf(asked.host.uuid)];
}

export const raid: Plugin = { check_raid_pool: () => json({}) };
export const lvm: Plugin = {
  list_physical_volumes: () => json({}),
  list_volume_groups: () => json({}),
  list_logical_volumes: () => json({}),
};
export const zfs: Plugin = { list_zfs_pools: () => json({}) };
export const lsblk: Plugin = {
  list_block_devices: async (asked) => {
    const blockdevices = (await disksOf(asked)).map(({ path, bytes }) => {
      const name = path.replace('/dev/', '');
      return { name, kname: name, pkname: '', size: String(bytes), type: 'disk', ro: '0', mountpoint: '' };
    });
    return json({ blockdevices });
  },
};

const perDisk = async (asked: PluginRequest, of: (disk: storage.LocalDisk) => unknown): Promise<string> =>
  json(Object.fromEntries((await disksOf(asked)).map((disk) => [`${disk.path}:sat`, of(disk)])));
export const smartctl: Plugin = {
  health: (asked) => perDisk(asked, () => 'PASSED'),
  information: (asked) =>
    perDisk(asked, ({ path, bytes }) => ({
      device: { name: path, info_name: `${path} [SAT]`, type: 'sat', protocol: 'ATA' },
      model_name: 'Simulated disk',
      serial_number: storage.hashOf(`${asked.host.uuid}${path}`).toString(16),
      user_capacity: { bytes },
      smart_status: { passed: true },
      smart_support: { available: true, enabled: true },
    })),
};
export const diskSpace: Plugin = {
  get_avail_host_disk_space: async (asked) => {
    const { bytes, usedBytes } = await systemDisk(asked);
    return String(bytes - usedBytes);
  },
  get_reclaimable_disk_space: () => '0',
  cleanup_disk_space: () => 'True',
  get_required_space: (_asked, args) => {
    const size = Number(args['size']);
    if (!Number.isFinite(size)) throw raised('get_required_space', 'KeyError', "'size'");
    return String(size * 2);
  },
};

const pair = (key: string, value: string): string =>
  `<key_value_pair><key>${key}</key><value>${value}</value></key_value_pair>`;
/** Blocks that a repository of volumes no longer needs go back to its storage; that another has none to give is no failure of the call. */
export const trim: Plugin = {
  do_trim: async ({ tx, plane }, { sr_uuid: uuid }) => {
    if (uuid === undefined) throw raised('do_trim', 'KeyError', "'sr_uuid'");
    const [sr] = await tx.find('SR', { uuid });
    if (!sr) throw raised('do_trim', 'Failure', `['UUID_INVALID', 'SR', '${uuid}']`);
    const able = storage.driverOf(sr.type)?.features.includes('SR_TRIM') ?? false;
    if (!able)
      return `<?xml version="1.0" ?><trim_response>${pair('errcode', 'UnsupportedSRForTrim')}${pair('errmsg', `Trim on [${uuid}] not supported`)}</trim_response>`;
    const at = String(plane.clock.now().getTime() / 1000);
    await tx.update('SR', sr.ref, { other_config: { ...sr.other_config, trim_last_triggered: at } });
    return 'True';
  },
};

/** Chains of layers are folded without being asked, so that no disk ever waits for it. */
export const coalesceLeaf: Plugin = {
  'leaf-coalesce': async ({ tx }, { vm_uuid: uuid }) => {
    if (uuid === undefined) throw raised('leaf-coalesce', 'KeyError', "'vm_uuid'");
    const [vm] = await tx.find('VM', { uuid });
    if (!vm) throw raised('leaf-coalesce', 'Failure', `['UUID_INVALID', 'VM', '${uuid}']`);
    return 'VM has no leaf-coalesceable VDIs';
  },
};

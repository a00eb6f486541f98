/** raid.py, lsblk.py, smartctl.py, lvm.py, zfs.py and disk-space: the one local disk that a simulated host has. */
import type { Asked, Plugin } from './plugin';
import { failure, json } from './plugin';

interface LocalDisk {
  readonly bytes: number;
  readonly usedBytes: number;
}
async function localDisk({ tx, host }: Asked): Promise<LocalDisk> {
  const [row] = await tx.query<{ bytes: number; used: number }>(
    'SELECT s.physical_size AS bytes, s.physical_utilisation AS used FROM sr s JOIN pbd p ON p."SR" = s.ref WHERE p.host = $1 AND NOT s.shared ORDER BY s.physical_size DESC LIMIT 1',
    [host.ref],
  );
  return { bytes: row?.bytes ?? 0, usedBytes: row?.used ?? 0 };
}
const device = 'sda';

export const raid: Plugin = { check_raid_pool: () => json({}) };
export const lvm: Plugin = { list_physical_volumes: () => json({}), list_volume_groups: () => json({}), list_logical_volumes: () => json({}) };
export const zfs: Plugin = { list_zfs_pools: () => json({}) };
export const lsblk: Plugin = {
  list_block_devices: async (asked) => {
    const { bytes } = await localDisk(asked);
    return json({
      blockdevices: [
        { name: device, kname: device, pkname: '', type: 'disk', size: String(bytes), mountpoint: '', ro: '0', fstype: '', model: 'Simulated disk' },
      ],
    });
  },
};
export const smartctl: Plugin = {
  health: () => json({ [device]: 'PASSED' }),
  information: async (asked) => {
    const { bytes } = await localDisk(asked);
    const serial_number = asked.host.bios_strings['system-serial-number'] ?? '';
    return json({
      [device]: {
        model_name: 'Simulated disk',
        serial_number,
        user_capacity: { bytes },
        smart_status: { passed: true },
        smart_support: { available: true, enabled: true },
      },
    });
  },
};
export const diskSpace: Plugin = {
  get_avail_host_disk_space: async (asked) => {
    const { bytes, usedBytes } = await localDisk(asked);
    return String(bytes - usedBytes);
  },
  get_reclaimable_disk_space: () => '0',
  cleanup_disk_space: () => 'True',
  get_required_space: (_asked, args) => {
    const size = Number(args['size']);
    if (!Number.isFinite(size)) throw failure('get_required_space', 'KeyError', "'size'");
    return String(size * 2);
  },
};

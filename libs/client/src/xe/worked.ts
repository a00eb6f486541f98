/** Fields that are no field of the API: put together from several, or measured. */
import { XenError } from '@xenplane/model';
import { isRef } from '../api';
import { thousandths, type Objects, type Shown } from './objects';

export type Working = (objects: Objects, shown: Shown) => Promise<string>;

const refs = (value: unknown): string[] => (Array.isArray(value) ? value.filter(isRef) : []);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** What a field of every object of a set of references says. */
async function ofAll(objects: Objects, cls: string, value: unknown, field: string): Promise<string[]> {
  const found = await Promise.all(refs(value).map((r) => objects.one(cls, r)));
  return found.flatMap((r) => (r ? [String(r[field])] : []));
}
const listed =
  (field: string, cls: string, of: string, between: string): Working =>
  async (objects, { record }) =>
    (await ofAll(objects, cls, record[field], of)).join(between);
const plain =
  (field: string, between = ', '): Working =>
  (_objects, { record }) =>
    Promise.resolve(texts(record[field]).join(between));

/** Kilobytes a second, as the measurement of the object's owner says. */
const traffic =
  (cls: 'VM' | 'host', owner: string, source: (device: string) => string): Working =>
  async ({ api }, { record }) => {
    const measured = api.call<number>(`${cls}.query_data_source`, record[owner], source(String(record['device'])));
    return measured.then((bytes) => thousandths(bytes / 1024)).catch(() => '<unknown>');
  };

/** A switch of the pool is what all its hosts say. */
const ofHosts =
  (field: string): Working =>
  async (objects) =>
    [...new Set(Object.values(await objects.all('host')).map((h) => String(h[field])))].join('; ');

const variantsOf = async (objects: Objects, { record }: Shown): Promise<Readonly<Record<string, unknown>>[]> =>
  (await Promise.all(refs(record['variants']).map((r) => objects.one('Driver_variant', r)))).flatMap((r) => (r ? [r] : []));
const variant =
  (field: string): Working =>
  async (objects, { record }) =>
    isRef(record[field]) ? String((await objects.one('Driver_variant', record[field]))?.['name'] ?? '') : '';
const variants =
  (show: (v: Readonly<Record<string, unknown>>) => string): Working =>
  async (objects, shown) =>
    (await variantsOf(objects, shown)).map(show).join('; ');

/** The host of a storage that one host has, else that it is shared. */
const hostOfStorage: Working = async (objects, { record }) => {
  const pbds = refs(record['PBDs']);
  if (pbds.length > 1) return '<shared>';
  const host = pbds[0] === undefined ? undefined : (await objects.one('PBD', pbds[0]))?.['host'];
  return isRef(host) ? String((await objects.one('host', host))?.['name_label'] ?? '') : '<not in database>';
};

async function vcpus(objects: Objects, { ref, record }: Shown): Promise<string> {
  if (record['power_state'] !== 'Running') return '';
  const count = Number(record['VCPUs_at_startup']);
  const each = await Promise.all(Array.from({ length: count }, (_, i) => objects.api.call<number>('VM.query_data_source', ref, `cpu${i}`)));
  return each.map((share, i) => `${i}: ${thousandths(share)}`).join('; ');
}

export const workedOut: Readonly<Record<string, Working>> = {
  'pool.supported-sr-types': async ({ api }) => (await api.call<string[]>('SR.get_supported_types')).join('; '),
  'pool.license-state': async ({ api }, { ref }) =>
    Object.entries(await api.call<Record<string, string>>('pool.get_license_state', ref))
      .map(([k, v]) => `${k}: ${v}`)
      .join('; '),
  'pool.https-only': ofHosts('https_only'),
  'pool.ssh-enabled': ofHosts('ssh_enabled'),
  'pool.ssh-enabled-timeout': ofHosts('ssh_enabled_timeout'),
  'pool.ssh-expiry': ofHosts('ssh_expiry'),
  'pool.console-idle-timeout': ofHosts('console_idle_timeout'),
  'pool.ssh-auto-mode': ofHosts('ssh_auto_mode'),
  'PIF.io_read_kbs': traffic('host', 'host', (d) => `pif_${d}_rx`),
  'PIF.io_write_kbs': traffic('host', 'host', (d) => `pif_${d}_tx`),
  'PIF.duplex': async (objects, { record }) => {
    const metrics = isRef(record['metrics']) ? await objects.one('PIF_metrics', record['metrics']) : undefined;
    return metrics?.['carrier'] === true ? (metrics['duplex'] === true ? 'full' : 'half') : 'unknown';
  },
  'VIF.io_read_kbs': traffic('VM', 'VM', (d) => `vif_${d}_rx`),
  'VIF.io_write_kbs': traffic('VM', 'VM', (d) => `vif_${d}_tx`),
  'VBD.io_read_kbs': traffic('VM', 'VM', (d) => `vbd_${d}_read`),
  'VBD.io_write_kbs': traffic('VM', 'VM', (d) => `vbd_${d}_write`),
  'VBD.vdi-name-label': async (objects, { record }) => {
    if (record['empty'] === true) return '<EMPTY>';
    const vdi = isRef(record['VDI']) ? await objects.one('VDI', record['VDI']) : undefined;
    return vdi ? String(vdi['name_label']) : '<not in database>';
  },
  'VBD.attachable': ({ api }, { ref }) =>
    api.call('VBD.assert_attachable', ref).then(
      () => 'true',
      (error: unknown) => `false (error: ${error instanceof Error ? error.message : String(error)})`,
    ),
  'VM.memory-target': ({ api }, { ref }) =>
    api.call<number>('VM.query_data_source', ref, 'memory_target').then(
      (bytes) => String(Math.trunc(bytes)),
      (error: unknown) => (error instanceof XenError && error.code === 'VM_BAD_POWER_STATE' ? '0' : '<unknown>'),
    ),
  'VM.VCPUs-utilisation': vcpus,
  'VM.cooperative': () => Promise.resolve('true'),
  'host.patches': listed('patches', 'host_patch', 'uuid', ', '),
  'host.updates': listed('updates', 'pool_update', 'uuid', ', '),
  'host_cpu.utilisation': async ({ api }, { record }) => {
    const measured = api.call<number>('host.query_data_source', record['host'], `cpu${String(record['number'])}`);
    return measured.then(thousandths).catch(() => '<unknown>');
  },
  'pool_patch.hosts': listed('host_patches', 'host_patch', 'host', ', '),
  'pool_patch.after-apply-guidance': plain('after_apply_guidance'),
  'pool_update.hosts': listed('hosts', 'host', 'uuid', ', '),
  'pool_update.after-apply-guidance': plain('after_apply_guidance'),
  'subject.roles': listed('roles', 'role', 'name_label', '; '),
  'VMSS.VMs': listed('VMs', 'VM', 'uuid', '; '),
  'GPU_group.enabled-VGPU-types': listed('enabled_VGPU_types', 'VGPU_type', 'uuid', '; '),
  'GPU_group.supported-VGPU-types': listed('supported_VGPU_types', 'VGPU_type', 'uuid', '; '),
  'PGPU.dependencies': async (objects, { record }) => {
    const pci = isRef(record['PCI']) ? await objects.one('PCI', record['PCI']) : undefined;
    return (await ofAll(objects, 'PCI', pci?.['dependencies'], 'pci_id')).join('; ');
  },
  'PCI.dependencies': listed('dependencies', 'PCI', 'pci_id', '; '),
  'VGPU_type.max-resolution': (_objects, { record }) => Promise.resolve(`${String(record['max_resolution_x'])}x${String(record['max_resolution_y'])}`),
  'Host_driver.active-variant': variant('active_variant'),
  'Host_driver.selected-variant': variant('selected_variant'),
  'Host_driver.variants': variants((v) => `${String(v['name'])}: ${String(v['version'])}`),
  'Host_driver.variants-uuid': variants((v) => `${String(v['name'])}: ${String(v['uuid'])}`),
  'Host_driver.variants-hw-present': variants((v) => `${String(v['name'])} (${String(v['version'])}): ${String(v['hardware_present'])}`),
  'Host_driver.variants-dev-status': variants((v) => `${String(v['name'])} (${String(v['version'])}): ${String(v['status'])}`),
  // A secret is never shown.
  'VTPM.secret': () => Promise.resolve(''),
  'SR.host': hostOfStorage,
};

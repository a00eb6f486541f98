/** Fields that are no field of the API: put together from several, or measured. */
import { XenError } from '@xenplane/model';
import { isRef } from '../api';
import { asException } from './failure';
import { absent, measured, thousandths, type AnyRecord, type ObjectReader, type Shown } from './shown';

export type Working = (objects: ObjectReader, shown: Shown) => Promise<string>;

const refs = (value: unknown): string[] => (Array.isArray(value) ? value.filter(isRef) : []);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** The values of a field of every object of a set of references. */
async function ofAll(objects: ObjectReader, cls: string, value: unknown, field: string): Promise<string[]> {
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
  async ({ api }, { record }) =>
    measured(api, cls, record[owner], source(String(record['device']))).then(
      (bytes) => thousandths(bytes / 1024),
      () => '<unknown>',
    );

/** A switch of the pool is what all its hosts say, as long as they agree. */
const ofHosts =
  (field: string): Working =>
  async (objects) => {
    const [first = '', another] = new Set(
      Object.values(await objects.all('host')).map((h) => String(h[field])),
    );
    return another === undefined ? first : '<inconsistent>';
  };
/** Through another object: of each object that the first field names, what it says there. */
const through =
  (field: string, via: string, onward: string, cls: string): Working =>
  async (objects, { record }) => {
    const between = await Promise.all(refs(record[field]).map((r) => objects.one(via, r)));
    const found = between.flatMap((r) => (r ? [r[onward]] : []));
    return (await ofAll(objects, cls, found, 'uuid')).join(', ');
  };
/** A field of the object that a reference leads to. */
const reached =
  (field: string, cls: string, show: (found: AnyRecord) => string): Working =>
  async (objects, { record }) => {
    const found = isRef(record[field]) ? await objects.one(cls, record[field]) : undefined;
    return found ? show(found) : absent;
  };

/** The variants of a driver, the one that is preferred first. */
const variantsOf = async (objects: ObjectReader, { record }: Shown): Promise<AnyRecord[]> =>
  (await Promise.all(refs(record['variants']).map((r) => objects.one('Driver_variant', r))))
    .flatMap((r) => (r ? [r] : []))
    .sort((a, b) => Number(b['priority']) - Number(a['priority']));
const variant =
  (field: string): Working =>
  async (objects, { record }) =>
    isRef(record[field])
      ? String((await objects.one('Driver_variant', record[field]))?.['name'] ?? noVariant)
      : noVariant;
const noVariant = '<none>';
const variants =
  (show: (v: AnyRecord) => string, which: (v: AnyRecord) => boolean = () => true): Working =>
  async (objects, shown) =>
    (await variantsOf(objects, shown)).filter(which).map(show).join('; ');
/** True if the driver of a variant has chosen it. */
const chosenBy =
  (field: string): Working =>
  async (objects, { ref, record }) => {
    const driver = isRef(record['driver']) ? await objects.one('Host_driver', record['driver']) : undefined;
    return String(driver?.[field] === ref);
  };

/** The pool whose database is on a disk: this one, or the one that the disk itself names. */
const poolOfDatabase: Working = async (objects, { ref, record }) => {
  const pool = await objects.pool();
  if (record['metadata_of_pool'] === pool) return objects.uuidOf('pool', pool);
  return (await objects.api.call<string>('VDI.read_database_pool_uuid', ref)) || absent;
};

/** The host of a storage that one host has, else that it is shared. */
const hostOfStorage: Working = async (objects, { record }) => {
  const pbds = refs(record['PBDs']);
  if (pbds.length > 1) return '<shared>';
  const host = pbds[0] === undefined ? undefined : (await objects.one('PBD', pbds[0]))?.['host'];
  return isRef(host) ? String((await objects.one('host', host))?.['name_label'] ?? '') : absent;
};

async function vcpus(objects: ObjectReader, { ref, record }: Shown): Promise<string> {
  if (record['power_state'] !== 'Running') return '';
  const count = Number(record['VCPUs_at_startup']);
  const each = await Promise.all(
    Array.from({ length: count }, (_, i) => measured(objects.api, 'VM', ref, `cpu${i}`)),
  );
  return each.map((share, i) => `${i}: ${thousandths(share)}`).join('; ');
}

export const workedOut: Readonly<Record<string, Working>> = {
  'pool.supported-sr-types': async ({ api }) =>
    (await api.call<string[]>('SR.get_supported_types')).join('; '),
  'pool.license-state': async ({ api }, { ref }) =>
    Object.entries(await api.call<Record<string, string>>('pool.get_license_state', ref))
      .map(([k, v]) => `${k}: ${v}`)
      .join('; '),
  'pool.https-only': async (objects) =>
    String(Object.values(await objects.all('host')).every((h) => h['https_only'] === true)),
  'pool.ha-statefiles': listed('ha_statefiles', 'VDI', 'uuid', '; '),
  'pool.vswitch-controller': (_objects, { record }) =>
    Promise.resolve(String(record['vswitch_controller'] || '<not set>')),
  'pool.ssh-enabled': ofHosts('ssh_enabled'),
  'pool.ssh-enabled-timeout': ofHosts('ssh_enabled_timeout'),
  'pool.ssh-expiry': ofHosts('ssh_expiry'),
  'pool.console-idle-timeout': ofHosts('console_idle_timeout'),
  'pool.ssh-auto-mode': ofHosts('ssh_auto_mode'),
  'PIF.io_read_kbs': traffic('host', 'host', (d) => `pif_${d}_rx`),
  'PIF.io_write_kbs': traffic('host', 'host', (d) => `pif_${d}_tx`),
  'PIF.speed': reached('metrics', 'PIF_metrics', (metrics) => `${String(metrics['speed'])} Mbit/s`),
  'PIF.duplex': reached('metrics', 'PIF_metrics', (metrics) =>
    metrics['duplex'] === true ? 'full' : metrics['carrier'] === true ? 'half' : 'unknown',
  ),
  'VIF.io_read_kbs': traffic('VM', 'VM', (d) => `vif_${d}_rx`),
  'VIF.io_write_kbs': traffic('VM', 'VM', (d) => `vif_${d}_tx`),
  'VBD.io_read_kbs': traffic('VM', 'VM', (d) => `vbd_${d}_read`),
  'VBD.io_write_kbs': traffic('VM', 'VM', (d) => `vbd_${d}_write`),
  'VBD.vdi-name-label': async (objects, { record }) => {
    if (record['empty'] === true) return '<EMPTY>';
    const vdi = isRef(record['VDI']) ? await objects.one('VDI', record['VDI']) : undefined;
    return vdi ? String(vdi['name_label']) : absent;
  },
  'VBD.attachable': ({ api }, { ref }) =>
    api.call('VBD.assert_attachable', ref).then(
      () => 'true',
      (error: unknown) => `false (error: ${asException(error)})`,
    ),
  'VM.memory-target': ({ api }, { ref }) =>
    measured(api, 'VM', ref, 'memory_target').then(
      (bytes) => String(Math.trunc(bytes || 0)),
      (error: unknown) =>
        error instanceof XenError && error.code === 'VM_BAD_POWER_STATE' ? '0' : '<unknown>',
    ),
  'VM.VCPUs-utilisation': vcpus,
  'VM.cooperative': () => Promise.resolve('true'),
  'VM.last-boot-record': (_objects, { record }) =>
    Promise.resolve(`'${String(record['last_booted_record'])}'`),
  'VDI.metadata-of-pool': poolOfDatabase,
  'host.ha-statefiles': listed('ha_statefiles', 'VDI', 'uuid', '; '),
  'host.patches': through('patches', 'host_patch', 'pool_patch', 'pool_patch'),
  'host.updates': listed('updates', 'pool_update', 'uuid', ', '),
  'host_cpu.utilisation': async ({ api }, { record }) =>
    measured(api, 'host', record['host'], `cpu${String(record['number'])}`).then(
      thousandths,
      () => '<unknown>',
    ),
  'pool_patch.hosts': through('host_patches', 'host_patch', 'host', 'host'),
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
  'VGPU.type-model-name': reached('type', 'VGPU_type', (type) => String(type['model_name'])),
  'VGPU.compatibility-metadata': (_objects, { record }) =>
    Promise.resolve(
      Object.entries((record['compatibility_metadata'] ?? {}) as Readonly<Record<string, string>>)
        .map(([name, value]) => `${name}:(${Buffer.byteLength(value)} bytes)`)
        .join('; '),
    ),
  'VGPU_type.max-resolution': (_objects, { record }) =>
    Promise.resolve(`${String(record['max_resolution_x'])}x${String(record['max_resolution_y'])}`),
  'Host_driver.active-variant': variant('active_variant'),
  'Host_driver.selected-variant': variant('selected_variant'),
  'Host_driver.variants': variants((v) => `${String(v['name'])}/${String(v['version'])}`),
  'Host_driver.variants-uuid': variants((v) => `${String(v['name'])}/${String(v['uuid'])}`),
  'Host_driver.variants-hw-present': variants(
    (v) => String(v['name']),
    (v) => v['hardware_present'] === true,
  ),
  'Host_driver.variants-dev-status': variants((v) => `${String(v['name'])}=${String(v['status'])}`),
  'Driver_variant.priority': (_objects, { record }) =>
    Promise.resolve(Number(record['priority']).toFixed(1).padStart(5)),
  'Driver_variant.active': chosenBy('active_variant'),
  'Driver_variant.selected': chosenBy('selected_variant'),
  // A secret is never shown.
  'VTPM.secret': () => Promise.resolve(''),
  'SR.host': hostOfStorage,
};

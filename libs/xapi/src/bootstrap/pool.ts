/** A fresh pool: made once, in one transaction, by whichever process comes first. */
import { roles, roleUuids, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import { hashPassword, verifyPassword } from '../people/passwords';
import { recordWith } from '../core/records';
import { refOf, seededUuid } from '../core/seeded';
import { addDrivers, addSharedStorage } from './storage';
import { ensureTemplates } from './templates';
import { ensureVms } from './vms';
import { passwordHash, setPasswordHash } from '../tables/credentials';

export interface PoolOptions {
  readonly seed: number;
  readonly rootPassword: string | undefined;
  readonly vms: number;
}

export async function ensurePool(plane: Plane, options: PoolOptions): Promise<void> {
  await inTransaction(plane.store, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/bootstrap'))", []);
    const pools = await tx.find('pool', {});
    if (pools.length === 0) await makePool(tx, plane, options.seed);
    await ensureTemplates(tx, options.seed);
    await ensureVms(tx, options.seed, options.vms);
  });
  if (options.rootPassword !== undefined) await ensurePassword(plane, options.rootPassword);
}

async function makePool(tx: Tx, plane: Plane, seed: number): Promise<void> {
  await addRoles(tx);
  await addDrivers(tx, seed);
  const { shared } = await addSharedStorage(tx, seed, plane.settings.imagesUrl);
  await addNetworks(tx, seed);
  const root = seededUuid(seed, 'user', 'root');
  await tx.insert(
    'user',
    refOf('user', root),
    recordWith('user', { uuid: root, short_name: 'root', fullname: 'root' }),
  );
  await addPool(tx, seed, shared);
}

async function addPool(tx: Tx, seed: number, shared: Ref<'SR'>): Promise<void> {
  const uuid = seededUuid(seed, 'pool');
  await tx.insert(
    'pool',
    refOf('pool', uuid),
    recordWith('pool', {
      uuid,
      name_label: 'xenplane',
      default_SR: shared,
      suspend_image_SR: shared,
      crash_dump_SR: shared,
      restrictions: { restrict_zstd_export: 'false', restrict_vtpm: 'false' },
      cpu_info: {
        cpu_count: '0',
        socket_count: '0',
        vendor: '',
        features_pv: '',
        features_hvm: '',
        features_pv_host: '',
        features_hvm_host: '',
      },
      ha_cluster_stack: 'xhad',
      other_config: { 'memory-ratio-pv': '0.25', 'memory-ratio-hvm': '0.25' },
    }),
  );
}

async function addRoles(tx: Tx): Promise<void> {
  for (const name of roles) {
    const uuid = roleUuids[name];
    await tx.insert(
      'role',
      refOf('role', uuid),
      recordWith('role', {
        uuid,
        name_label: name,
        name_description: `The ${name} role`,
        is_internal: name === 'client-cert',
      }),
    );
  }
}

export const networkNames = ['eth0', 'eth1'] as const;
export const networkUuid = (seed: number, device: string): string => seededUuid(seed, 'network', device);

async function addNetworks(tx: Tx, seed: number): Promise<void> {
  for (const [i, device] of networkNames.entries()) {
    const uuid = networkUuid(seed, device);
    await tx.insert(
      'network',
      refOf('network', uuid),
      recordWith('network', {
        uuid,
        name_label: `Pool-wide network associated with ${device}`,
        bridge: `xenbr${i}`,
        MTU: 1500,
        other_config: { automatic: 'true' },
      }),
    );
  }
  const uuid = networkUuid(seed, 'xenapi');
  await tx.insert(
    'network',
    refOf('network', uuid),
    recordWith('network', {
      uuid,
      name_label: 'Host internal management network',
      name_description:
        'Network on which guests will be assigned a private link-local IP address which can be used to talk XenAPI',
      bridge: 'xenapi',
      MTU: 1500,
      other_config: {
        is_guest_installer_network: 'true',
        is_host_internal_management_network: 'true',
        ip_begin: '169.254.0.1',
        ip_end: '169.254.255.254',
        netmask: '255.255.0.0',
      },
    }),
  );
}

/** The password that the environment gives is root's from now on. */
async function ensurePassword(plane: Plane, password: string): Promise<void> {
  const present = await passwordHash(plane.store, 'root');
  if (present !== undefined && (await verifyPassword(password, present))) return;
  await setPassword(plane, 'root', password);
}

export async function setPassword(plane: Plane, name: string, password: string): Promise<void> {
  await setPasswordHash(plane.store, name, await hashPassword(password));
}

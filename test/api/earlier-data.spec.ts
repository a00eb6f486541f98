/** Data folders that earlier versions left, opened by this one: `test/fixtures/data-folders` has one for each version, made as its README says. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { restoreTestDatabase } from '@xenplane/testing';
import { demoImage } from '@xenplane/xapi';
import { eventually, login, startWorld, type Call, type World } from '../world';

const fixtures = path.resolve(__dirname, '../fixtures/data-folders');
const versions = readdirSync(fixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory());
/** Of the disk that `rests` and its snapshot have, and of the template image `mine`. */
const diskSha256 = '6bdf2e41115631fd19ab9425b6cd3504838c0a0573dcca18c8e62f7ba7e06c14';
const diskBytes = 2 ** 20;

/** The image that every pool has is left out of the fixtures: it is made here. */
async function openFolder(version: string): Promise<World> {
  const fixture = (file: string): string => path.join(fixtures, version, file);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-world-'));
  execFileSync('tar', ['xzf', fixture('folder.tar.gz'), '-C', folder]);
  const image = demoImage();
  writeFileSync(path.join(folder, 'images', createHash('sha256').update(image).digest('hex')), image);
  const { sealingKey } = JSON.parse(readFileSync(fixture('secrets.json'), 'utf8')) as { sealingKey: string };
  const database = await restoreTestDatabase(
    gunzipSync(readFileSync(fixture('database.sql.gz'))).toString('utf8'),
  );
  return startWorld({ hosts: 2, seed: 1, state: { folder, database, sealingKey } });
}

describe.each(versions.map(({ name }) => name))('a data folder of version %s', (version) => {
  let world: World;
  let call: Call;
  const named = async (klass: string, name: string): Promise<string> => {
    const refs = await call<string[]>(`${klass}.get_by_name_label`, name);
    if (refs.length !== 1) throw new Error(`${refs.length} of ${klass} are called ${name}`);
    return refs[0] ?? '';
  };
  const powerState = (vm: string): Promise<string> => call('VM.get_power_state', vm);
  const firstDisk = async (vm: string): Promise<string> => {
    const vbds = await call<string[]>('VM.get_VBDs', vm);
    const records = await Promise.all(
      vbds.map((vbd) => call<{ type: string; VDI: string }>('VBD.get_record', vbd)),
    );
    return records.find(({ type }) => type === 'Disk')?.VDI ?? '';
  };

  beforeAll(async () => {
    world = await openFolder(version);
    call = await login(world.url);
  });
  afterAll(() => world?.stop());

  test('keeps the pool, its hosts, networks, schedules and secrets', async () => {
    const [pool = ''] = await call<string[]>('pool.get_all');
    expect(await call('pool.get_record', pool)).toMatchObject({ name_label: 'The old pool', tags: ['old'] });
    const hosts = Object.values(
      await call<Record<string, { uuid: string; enabled: boolean }>>('host.get_all_records'),
    );
    expect(hosts.map(({ uuid }) => uuid).sort()).toEqual([
      '2a59099c-dfc1-49f8-a111-debc7065eb86',
      'e4024418-40dd-40bd-ae19-44e432e08a07',
    ]);
    expect(hosts.every(({ enabled }) => enabled)).toBe(true);
    await named('network', 'vlan7');
    await named('VM_appliance', 'pair');
    expect(await call('VMSS.get_schedule', await named('VMSS', 'nightly'))).toMatchObject({
      hour: '3',
      min: '0',
    });
    const secrets = Object.values(await call<Record<string, { value: string }>>('secret.get_all_records'));
    expect(secrets.map(({ value }) => value)).toContain('keep');
  });

  test('keeps the user with its role', async () => {
    const alice = await login(world.url, 'alice', 'wonderland');
    await expect(alice('VM.get_all')).resolves.toHaveLength((await call<string[]>('VM.get_all')).length);
    const [host] = await alice<string[]>('host.get_all');
    await expect(alice('host.disable', host)).rejects.toThrow('RBAC_PERMISSION_DENIED');
  });

  test('shows VMs that ran as halted, since their hypervisors are gone, and starts them again', async () => {
    for (const name of ['runs', 'rests']) {
      const vm = await named('VM', name);
      expect(await powerState(vm)).toBe('Halted');
      await call('VM.start', vm, false, false);
      expect(await powerState(vm)).toBe('Running');
    }
    const settings = await call<{ other_config: Record<string, string> }>(
      'VM.get_record',
      await named('VM', 'rests'),
    );
    expect(settings).toMatchObject({
      name_description: 'made by the version before',
      other_config: { kept: 'yes' },
    });
  });

  test('resumes the suspended VM', async () => {
    const vm = await named('VM', 'sleeps');
    expect(await powerState(vm)).toBe('Suspended');
    await call('VM.resume', vm, false, false);
    expect(await powerState(vm)).toBe('Running');
  });

  test('keeps the contents of a snapshot, which can be reverted to', async () => {
    const vm = await named('VM', 'rests');
    const [snapshot = ''] = await call<string[]>('VM.get_snapshots', vm);
    expect(await call('VM.get_name_label', snapshot)).toBe('before');
    const vdi = await call<string>('VDI.get_uuid', await firstDisk(snapshot));
    const answer = await fetch(`${world.url}/export_raw_vdi?vdi=${vdi}`, {
      headers: { authorization: basicAuth(world) },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(createHash('sha256').update(bytes.subarray(0, diskBytes)).digest('hex')).toBe(diskSha256);
    await call('VM.revert', snapshot);
    expect(await powerState(vm)).toBe('Halted');
  });

  test('clones and starts the template of its own image', async () => {
    const vm = await call<string>('VM.clone', await named('VM', 'mine'), 'from the old image');
    await call('VM.provision', vm);
    await call('VM.start', vm, false, false);
    expect(await powerState(vm)).toBe('Running');
  });

  test('gains the template of an ordinary disk, once', async () => {
    const vm = await call<string>(
      'VM.clone',
      await named('VM', 'Xenplane demo server'),
      'of the new template',
    );
    await call('VM.provision', vm);
    await call('VM.start', vm, false, false);
    expect(await powerState(vm)).toBe('Running');
    await named('VM', 'Xenplane demo disk');
  });

  test('goes on with new objects, and events show them', async () => {
    const { token } = await call<{ token: string }>('event.from', ['network'], '', 0);
    const network = await call<string>('network.create', {
      name_label: 'new',
      name_description: '',
      other_config: {},
      MTU: '1500',
      tags: [],
    });
    const seen = await eventually(() =>
      call<{ events: { ref: string }[] }>('event.from', ['network'], token, 5),
    );
    expect(seen.events.map(({ ref }) => ref)).toContain(network);
  });
});

const basicAuth = ({ password }: World): string =>
  `Basic ${Buffer.from(`root:${password}`).toString('base64')}`;

/** The templates that a pool begins with, as a wizard of a client reads them. */
import { login, startWorld, type Call, type World } from '../world';
import { startApi } from '../../apps/api/src/api';
import { apiSettings, testServices } from '@xenplane/config';

type Template = Readonly<Record<string, unknown>> & {
  readonly name_label: string;
  readonly other_config: Readonly<Record<string, string>>;
  readonly HVM_boot_params: Readonly<Record<string, string>>;
  readonly platform: Readonly<Record<string, string>>;
  readonly recommendations: string;
};
const GiB = 2 ** 30;
let world: World, call: Call, templates: Map<string, Template>;
const read = async (): Promise<Map<string, Template>> =>
  new Map(
    Object.values(await call<Record<string, Template>>('VM.get_all_records')).flatMap((vm) =>
      vm['is_default_template'] === true ? [[vm.name_label, vm]] : [],
    ),
  );
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  templates = await read();
});
afterAll(() => world.stop());

test('there are those of a real pool', () => {
  expect([...templates.keys()]).toEqual(
    expect.arrayContaining([
      ...[
        'AlmaLinux 9',
        'CentOS Stream 9',
        'Debian Bullseye 11',
        'Debian Bookworm 12',
        'Debian Trixie 13',
        'Gooroom Platform 2.0',
        'Oracle Linux 8',
      ],
      ...[
        'Red Hat Enterprise Linux 9',
        'Rocky Linux 8',
        'Rocky Linux 9',
        'SUSE Linux Enterprise 15 (64-bit)',
        'Ubuntu Bionic Beaver 18.04',
      ],
      ...[
        'Ubuntu Focal Fossa 20.04',
        'Ubuntu Jammy Jellyfish 22.04',
        'Ubuntu Noble Numbat 24.04',
        'Windows 10 (64-bit)',
        'Windows 11',
      ],
      ...[
        'Windows Server 2016 (64-bit)',
        'Windows Server 2019 (64-bit)',
        'Windows Server 2022 (64-bit)',
        'Windows Server 2025',
        'Other install media',
      ],
    ]),
  );
  expect(templates.size).toBeGreaterThanOrEqual(40);
  expect(new Set([...templates.values()].map((t) => t['reference_label'])).size).toBe(templates.size);
});

test.each([
  [
    'Debian Bookworm 12',
    {
      reference_label: 'debian-12',
      memory_static_min: GiB,
      memory_static_max: 2 * GiB,
      VCPUs_max: 1,
      has_vendor_device: false,
    },
  ],
  ['Debian Bullseye 11', { memory_static_min: GiB / 2, HVM_boot_params: { firmware: 'bios', order: 'cdn' } }],
  [
    'Windows 11',
    {
      memory_static_min: 4 * GiB,
      VCPUs_max: 2,
      has_vendor_device: true,
      HVM_boot_params: { firmware: 'uefi', order: 'cd' },
    },
  ],
  [
    'Other install media',
    { memory_static_min: 128 * 2 ** 20, VCPUs_max: 1, HVM_boot_params: { firmware: 'bios', order: 'cd' } },
  ],
])('%s has what it has there', (label, values) => {
  expect(templates.get(label)).toMatchObject({
    ...values,
    is_a_template: true,
    power_state: 'Halted',
    domain_type: 'hvm',
    VBDs: [],
    VIFs: [],
  });
});

test('platform, disks, ways to install and limits follow the kind of guest', () => {
  const [debian, windows, media] = ['Debian Bookworm 12', 'Windows 11', 'Other install media'].map((label) =>
    templates.get(label),
  );
  expect(debian?.platform).toMatchObject({ device_id: '0001', viridian: 'false', secureboot: 'auto' });
  expect(debian?.platform['device-model']).toBeUndefined();
  expect(debian?.other_config).toMatchObject({
    linux_template: 'true',
    'install-methods': 'cdrom,nfs,http,ftp',
  });
  expect(debian?.other_config['disks']).toBe(
    `<provision><disk bootable="true" device="0" size="${10 * GiB}" sr="" type="system"/></provision>`,
  );
  expect(windows?.platform).toMatchObject({
    device_id: '0002',
    viridian: 'true',
    viridian_stimer: 'true',
    vtpm: 'true',
    'cores-per-socket': '2',
  });
  expect(windows?.other_config).toMatchObject({ 'install-methods': 'cdrom' });
  expect(windows?.other_config['disks']).toContain(`bootable="false" device="0" size="${64 * GiB}"`);
  expect(windows?.recommendations).toContain('<restriction field="vcpus-min" min="2"/>');
  expect(windows?.recommendations).toContain('<restriction field="supports-bios" value="no"/>');
  expect(media?.other_config['disks']).toBeUndefined();
  expect(media?.recommendations).toContain(`<restriction field="memory-static-max" max="${128 * GiB}"/>`);
});

test('a pool keeps the templates that it has, gains those that it never had, and not those that were removed', async () => {
  const [plane] = world.apis.map((api) => api.plane);
  await plane?.store.query("DELETE FROM vm WHERE name_label IN ('Windows 11', 'Rocky Linux 9')");
  await plane?.store.query(`UPDATE setting SET value = value - 'Windows 11' WHERE key = 'default_templates'`);
  await plane?.store.query("UPDATE vm SET name_description = 'mine' WHERE name_label = 'Debian Bookworm 12'");
  const again = await startApi(
    apiSettings({
      DATABASE_URL: world.databaseUrl,
      REDIS_URL: testServices().redisUrl,
      XENPLANE_LOG_LEVEL: 'error',
      XENPLANE_PORT: '0',
      XENPLANE_SEED: '7',
      XENPLANE_DATA: `${world.folder}/again`,
    }),
  );
  await again.stop();
  const after = await read();
  expect([
    after.has('Windows 11'),
    after.has('Rocky Linux 9'),
    after.get('Debian Bookworm 12')?.['name_description'],
  ]).toEqual([true, false, 'mine']);
});

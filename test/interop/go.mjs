/** Programs in Go: the client of terra-farm, Terraform with XenServer's provider, Packer with its XenServer plugin. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startStack } from '../../bench/stack.mjs';
import { Client } from './client.mjs';
import { Unavailable, folderOf, here, pip, python, reasonOf, run, sourcesOf } from './programs.mjs';

const root = path.join(here, '../..');
const goIsHere = () => run('go', ['version'], { otherwise: 'go is not on this machine' });

/** Builds a program of one of our files, or of modules alone, with this module of the proxy. */
function built(name, { source, requires, replace = '', what = '.' }) {
  goIsHere();
  const folder = folderOf(path.join('go', name));
  const program = path.join(folder, name);
  const about = path.join(folder, 'go.mod');
  if (!existsSync(about) || !readFileSync(about, 'utf8').includes(requires.replace('@', ' '))) {
    writeFileSync(about, `module interop\n\ngo 1.23\n${replace}`);
    const got = spawnSync('go', ['get', requires], { cwd: folder, encoding: 'utf8', timeout: 600_000 });
    if (got.status !== 0) throw new Unavailable(`${requires}: ${reasonOf(got).trim()}`);
  }
  if (source) copyFileSync(path.join(here, 'go', source), path.join(folder, 'main.go'));
  run('go', ['build', '-o', program, what], { cwd: folder, env: { GOFLAGS: '-mod=mod' }, minutes: 30 });
  return program;
}

export function terraFarm({ url, password }) {
  run(built('client', { source: 'client.go', requires: 'github.com/terra-farm/go-xen-api-client@v0.0.2' }), [
    url,
    password,
  ]);
}

/** XenServer's Go SDK has to be beside the provider's sources; they are built in a copy of the checkout. */
function providerTests() {
  const checkout = sourcesOf('xenserver/terraform-provider-xenserver');
  const xapi = sourcesOf('xapi-project/xen-api');
  const folder = folderOf('go/terraform-provider-xenserver');
  cpSync(checkout, folder, { recursive: true, filter: (file) => !/\/(\.git|goSDK)$/.test(file) });
  // Its own pool of three has a fourth interface in each host, where simulated hosts have two.
  const poolTest = path.join(folder, 'xenserver/pool_resource_test.go');
  writeFileSync(poolTest, readFileSync(poolTest, 'utf8').replace('pifResource("3")', 'pifResource("1")'));
  pip('install', 'chevron==0.14.0');
  const sdk = path.join(folder, 'goSDK');
  run(python, ['go_sdk.py', path.join(root, 'libs/model/facts'), path.join(xapi, 'ocaml/sdk-gen/go'), sdk]);
  writeFileSync(path.join(sdk, 'go.mod'), 'module xenapi\n\ngo 1.22.2\n');
  const program = path.join(folder, 'provider.test');
  run('go', ['test', '-c', '-o', program, './xenserver'], {
    cwd: folder,
    env: { GOFLAGS: '-mod=mod' },
    minutes: 30,
  });
  return { program, cwd: path.join(folder, 'xenserver') };
}

async function withStack(options, story) {
  const stack = await startStack({ vms: 0, speed: 100, tls: true, ...options });
  try {
    return await story(stack);
  } finally {
    await stack.stop();
  }
}
/** Shared storage has to go before its host joins another pool. */
async function withoutSharedStorage({ url, password }) {
  const client = await Client.login(url, password);
  for (const [sr, { shared, PBDs }] of Object.entries(await client.call('SR.get_all_records'))) {
    if (!shared) continue;
    for (const pbd of PBDs) await client.call('PBD.unplug', pbd);
    await client.call('SR.forget', sr);
  }
}
const connectionOf = (prefix, { tlsUrl, password }) => ({
  [`${prefix}_HOST`]: tlsUrl,
  [`${prefix}_USERNAME`]: 'root',
  [`${prefix}_PASSWORD`]: password,
});

/** The provider's acceptance tests: all, and then those of pools, which end by ejecting every host but one. */
export async function terraform(stack) {
  goIsHere();
  const terraformProgram = run('which', ['terraform'], {
    otherwise: 'terraform is not on this machine',
  }).trim();
  const { program, cwd } = providerTests();
  const env = {
    ...{ TF_ACC: '1', TF_ACC_TERRAFORM_PATH: terraformProgram, CHECKPOINT_DISABLE: '1', TEST_POOL: '1' },
    ...{ NFS_SERVER: '10.0.0.5', NFS_SERVER_PATH: '/export/terraform' },
    ...{
      SMB_SERVER_PATH: '\\\\10.0.0.5\\share',
      SMB_SERVER_USERNAME: 'smb',
      SMB_SERVER_PASSWORD: 'smb-password',
    },
  };
  const test = (plane, more, ...args) => {
    const output = run(program, ['-test.v', ...args], {
      cwd,
      env: { ...env, ...connectionOf('XENSERVER', plane), ...more },
      minutes: 60,
    });
    return output.match(/^--- PASS/gm)?.length ?? 0;
  };
  let passed = test(stack, {}, '-test.skip', '^TestAccPool');
  await withStack(
    { hosts: 3, seed: 3 },
    (plane) => (passed += test(plane, {}, '-test.run', '^TestAccPoolManagementNetwork$')),
  );
  await withStack({ hosts: 1, seed: 4 }, (plane) =>
    withStack({ hosts: 1, seed: 5 }, async (supporter) => {
      await withoutSharedStorage(supporter);
      passed += test(plane, connectionOf('SUPPORTER', supporter), '-test.run', '^TestAccPoolResource$');
    }),
  );
  return `${passed} acceptance tests of the provider passed`;
}

const goCty = 'replace github.com/zclconf/go-cty => github.com/nywilken/go-cty v1.13.3\n';
/** Packer's own module as a dependency: its release has no other form in the registry. */
const packerCore = () =>
  built('packer', {
    requires: 'github.com/hashicorp/packer@v1.11.2',
    replace: goCty,
    what: 'github.com/hashicorp/packer',
  });
function packerPlugin() {
  const checkout = sourcesOf('ddelnano/packer-plugin-xenserver');
  const program = path.join(folderOf('go'), 'packer-plugin-xenserver');
  run('go', ['build', '-o', program, '.'], { cwd: checkout, minutes: 30 });
  return program;
}
/** The plugin asks a host by SSH for the address that it is called from. */
async function hostShell(password) {
  const shell = spawn(
    built('host-shell', { source: 'host_shell.go', requires: 'golang.org/x/crypto@v0.24.0' }),
    [password],
  );
  const [line] = await once(shell.stdout, 'data');
  return { port: String(line).trim(), stop: () => shell.kill() };
}

/** A template from an install medium, by keys typed at its console, exported in each of two formats. */
export async function packer({ password, master, privileged }) {
  goIsHere();
  if (!privileged)
    throw new Unavailable('its console and uploads want port 443 of the hosts, which this user may not bind');
  const [program, plugin] = [packerCore(), packerPlugin()];
  const folder = mkdtempSync(path.join(tmpdir(), 'packer-'));
  const env = {
    PACKER_PLUGIN_PATH: path.join(folder, 'plugins'),
    PACKER_CONFIG_DIR: folder,
    PACKER_CACHE_DIR: folder,
    CHECKPOINT_DISABLE: '1',
  };
  const shell = await hostShell(password);
  try {
    run(program, ['plugins', 'install', '--path', plugin, 'github.com/ddelnano/xenserver'], {
      env,
      cwd: folder,
    });
    writeFileSync(path.join(folder, 'medium.iso'), randomBytes(3_000_000));
    writeFileSync(path.join(folder, 'answers.txt'), 'answers\n');
    for (const format of ['xva_compressed', 'vdi_vhd']) {
      const variables = { host: master, password, ssh_port: shell.port, folder, format };
      const given = Object.entries(variables).flatMap(([name, value]) => ['-var', `${name}=${value}`]);
      run(program, ['build', ...given, path.join(here, 'packer.pkr.hcl')], { env, cwd: folder });
      const [made] = readdirSync(path.join(folder, format));
      if (!/\.(xva|vhd)$/.test(made) || statSync(path.join(folder, format, made)).size === 0)
        throw new Error(`${format}: ${made}`);
    }
  } finally {
    shell.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return '2 templates built and exported';
}

/**
 * `npm run test:interop`: clients as their publishers ship them, installed from the package registries, against a stack of
 * their own. What cannot be had on this machine is skipped, and the last lines say why. Not part of `npm test`: it downloads.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { startStack } from '../../bench/stack.mjs';
import { Client } from './client.mjs';
import { libnbd, qemu, zstd } from './disks.mjs';
import { packer, terraFarm, terraform } from './go.mjs';
import { xoServer } from './orchestra.mjs';
import { Unavailable, installed, kept, pip, python, reasonOf, run } from './programs.mjs';

function xenApi({ url, password }) {
  pip('install', 'XenAPI==26.21.1');
  run(python, ['xenapi_sdk.py', url, password]);
}

function vncDoTool({ url, password }) {
  pip('install', 'XenAPI==26.21.1', 'vncdotool==1.4.2', 'pillow');
  run(python, ['vnc.py', url, password]);
}

/** The collection of the modules comes in the big wheel alone; its engine is a package of its own. */
function ansible({ url, password }) {
  pip('install', 'XenAPI==26.21.1', 'ansible-core>=2.17');
  if (!existsSync(path.join(kept, 'wheels')))
    pip('download', '--no-deps', '--dest', path.join(kept, 'wheels'), 'ansible==12.3.0');
  pip('install', '--no-deps', path.join(kept, 'wheels', readdirSync(path.join(kept, 'wheels'))[0]));
  const variables = JSON.stringify({
    plane_url: url,
    plane_password: password,
    ansible_python_interpreter: python,
  });
  run(installed('ansible-playbook'), ['-i', 'localhost,', '-c', 'local', 'playbook.yml', '-e', variables]);
}

/** Debian's package wants a host without a port, and Debian's own Python. */
function osXenApi({ master, password, privileged: has }) {
  run('/usr/bin/python3', ['-c', 'import os_xenapi'], {
    otherwise: "Debian's package python3-os-xenapi is not installed",
  });
  if (!has) throw new Unavailable('it takes no port in its address, and this user may not bind port 80');
  run('/usr/bin/python3', ['os_xenapi_session.py', `http://${master}`, password]);
}

/** Programs that take no server, but the files of one. */
function xvaImg({ url, password }) {
  run('xva-img', ['--version'], { otherwise: "Debian's package xva-img is not installed" });
  run(process.execPath, ['xva.mjs', url, password, kept]);
}
function qemuImg({ url, password }) {
  run('qemu-img', ['--version'], { otherwise: "Debian's package qemu-utils is not installed" });
  run(process.execPath, ['formats.mjs', url, password, kept]);
}

function xenOrchestra() {
  const folder = path.join(kept, 'xapi-npm');
  mkdirSync(folder, { recursive: true });
  run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, '@xen-orchestra/xapi'], {
    otherwise: '@xen-orchestra/xapi depends on packages that the registry does not have',
  });
  throw new Error('@xen-orchestra/xapi can be installed now: write its story');
}

/** The registries are asked at each run: the day that one serves an SDK, its story has to be written. A skip tells each answer. */
function servedBy(names, ask) {
  const answers = names.map((name) => ({ name, ...ask(name) }));
  const served = answers.filter(({ status }) => status === 0).map(({ name }) => name);
  if (served.length > 0) throw new Error(`${served.join(', ')} can be had now: write its story`);
  throw new Unavailable(answers.map((answer) => `${answer.name}: ${reasonOf(answer).trim()}`).join('; '));
}

const javaArtifacts = [
  'com.xenserver:xen-api:25.39.0',
  'com.citrix.hypervisor:xen-api:8.2.0',
  'net.java.dev.vcc.thirdparty:xenapi:6.0.0-1',
];
function javaSdk() {
  run('mvn', ['--version'], { otherwise: 'mvn is not on this machine' });
  const ask = (name) =>
    spawnSync(
      'mvn',
      [
        '-q',
        `-Dmaven.repo.local=${path.join(kept, 'm2')}`,
        'dependency:get',
        '-Dtransitive=false',
        `-Dartifact=${name}`,
      ],
      {
        cwd: kept,
        encoding: 'utf8',
        timeout: 120_000,
      },
    );
  servedBy(javaArtifacts, ask);
}

/** The one client of Xen Orchestra for NBD. */
function vatesNbd() {
  const folder = path.join(kept, 'nbd-client');
  mkdirSync(folder, { recursive: true });
  run(
    'npm',
    [
      'install',
      '--no-audit',
      '--no-fund',
      '--no-save',
      '--ignore-scripts',
      '--prefix',
      folder,
      '@vates/nbd-client',
    ],
    {
      otherwise: '@vates/nbd-client depends on versions of packages that the registry does not have',
    },
  );
  throw new Error('@vates/nbd-client can be installed now: write its story');
}

const ofDisks = (story) => (stack) => story(stack, { run, folder: kept });
const clients = {
  'XenAPI of PyPI': xenApi,
  'vncdotool of PyPI': vncDoTool,
  'community.general.xenserver_* of Ansible': ansible,
  'python3-os-xenapi of Debian': osXenApi,
  'xva-img of Debian': xvaImg,
  'qemu-img of Debian, formats of disks': qemuImg,
  '@xen-orchestra/xapi of npm': xenOrchestra,
  '@vates/nbd-client of npm': vatesNbd,
  'xo-server of Vates': xoServer,
  'zstd of Debian': ofDisks(zstd),
  'qemu-img of Debian, over NBD': ofDisks(qemu),
  'nbdinfo and nbdcopy of Debian': ofDisks(libnbd),
  'the Go client of terra-farm': terraFarm,
  "Terraform with XenServer's provider": terraform,
  'Packer with its XenServer plugin': packer,
  'the Java SDK of Maven Central': javaSdk,
};

/** Hosts answer at 80 and 443 where this user may bind them: clients that know no other ports are run as well then. */
const privileged =
  process.getuid() === 0 ||
  Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) <= 80;
async function begun() {
  const stack = await startStack({ hosts: 3, vms: 0, speed: 100, tls: true, privileged });
  const client = await Client.login(stack.url, stack.password);
  const [pool] = Object.values(await client.call('pool.get_all_records'));
  return { ...stack, privileged, master: await client.call('host.get_address', pool.master) };
}

async function outcomeOf(client, stack) {
  try {
    return ['passed', await client(stack)];
  } catch (error) {
    return [error instanceof Unavailable ? 'skipped' : 'failed', error.message];
  }
}

/** All of them, or those whose names have one of the words that are given. */
const words = process.argv.slice(2).map((word) => word.toLowerCase());
const chosen = Object.entries(clients).filter(
  ([name]) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word)),
);
mkdirSync(kept, { recursive: true });
const counts = { passed: 0, failed: 0, skipped: 0 };
const stack = await begun();
try {
  for (const [name, client] of chosen) {
    const [outcome, said] = await outcomeOf(client, stack);
    counts[outcome] += 1;
    console.log(`${outcome === 'failed' ? 'FAILED' : outcome}  ${name}${said ? `: ${said}` : ''}`);
  }
} finally {
  await stack.stop();
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;

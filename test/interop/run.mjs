/**
 * `npm run test:interop`: clients as their publishers ship them, installed from the package registries, against a stack of
 * their own. What cannot be had on this machine is skipped, and the last lines say why. Not part of `npm test`: it downloads.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStack } from '../../bench/stack.mjs';
import { libnbd, qemu, zstd } from './disks.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const kept = path.join(here, '../../.xenplane/interop');
const venv = path.join(kept, 'venv');
const python = path.join(venv, 'bin/python');

class Unavailable extends Error {}
/** Runs a program; its output is shown when it fails. */
function run(program, args, { env = {}, cwd = here, otherwise } = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (status === 0) return stdout;
  if (otherwise) throw new Unavailable(otherwise);
  throw new Error(`${program} ${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? error?.message ?? ''}`);
}

function pip(...args) {
  if (!existsSync(python))
    run('python3', ['-m', 'venv', venv], { otherwise: 'python3 with venv is not on this machine' });
  run(python, ['-m', 'pip', '--quiet', ...args], { otherwise: `pip cannot ${args.join(' ')}` });
}

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
  run(path.join(venv, 'bin/ansible-playbook'), [
    '-i',
    'localhost,',
    '-c',
    'local',
    'playbook.yml',
    '-e',
    variables,
  ]);
}

/** Debian's package wants a host without a port, and Debian's own Python. */
function osXenApi({ url, password }) {
  run('/usr/bin/python3', ['-c', 'import os_xenapi'], {
    otherwise: "Debian's package python3-os-xenapi is not installed",
  });
  if (new URL(url).port !== '')
    throw new Unavailable('it takes no port in its address, and port 80 is not free');
  run('/usr/bin/python3', ['os_xenapi_session.py', url, password]);
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
  const folder = path.join(kept, 'xo');
  mkdirSync(folder, { recursive: true });
  run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, '@xen-orchestra/xapi'], {
    otherwise: '@xen-orchestra/xapi depends on packages that the registry does not have',
  });
  throw new Error('@xen-orchestra/xapi can be installed now: write its story');
}

/** The registries are asked at each run: the day that one serves an SDK, its story has to be written. A skip prints each answer. */
function servedBy(names, ask) {
  const answers = names.map((name) => ({ name, ...ask(name) }));
  const served = answers.filter(({ status }) => status === 0).map(({ name }) => name);
  if (served.length > 0) throw new Error(`${served.join(', ')} can be had now: write its story`);
  const reasonOf = ({ stdout, stderr, error }) =>
    /Could not find artifact|.*(?:40[34] .*|not available.*)|.*(?:refused|unknown host|timeout).*/i.exec(
      `${stdout}${stderr}`,
    )?.[0] ??
    error?.message ??
    'no reason given';
  throw new Unavailable(answers.map((answer) => `${answer.name}: ${reasonOf(answer).trim()}`).join('; '));
}

const goModules = [
  'github.com/xenserver/xenserver-sdk-go',
  'github.com/xapi-project/xen-api-go-sdk',
  'github.com/terra-farm/go-xen-api-client',
];
function goSdk() {
  run('go', ['version'], { otherwise: 'go is not on this machine' });
  const cwd = path.join(kept, 'go');
  mkdirSync(cwd, { recursive: true });
  servedBy(goModules, (name) =>
    spawnSync('go', ['list', '-m', '-versions', `${name}@latest`], {
      cwd,
      encoding: 'utf8',
      timeout: 60_000,
    }),
  );
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
  'zstd of Debian': ofDisks(zstd),
  'qemu-img of Debian, over NBD': ofDisks(qemu),
  'nbdinfo and nbdcopy of Debian': ofDisks(libnbd),
  'the Go SDK with the Terraform provider': goSdk,
  'the Java SDK of Maven Central': javaSdk,
};

const isFree = (port) =>
  new Promise((resolve) => {
    const server = net
      .createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

mkdirSync(kept, { recursive: true });
const counts = { passed: 0, failed: 0, skipped: 0 };
const stack = await startStack({ hosts: 3, vms: 0, speed: 100, port: (await isFree(80)) ? 80 : undefined });
try {
  for (const [name, client] of Object.entries(clients)) {
    try {
      await client(stack);
      counts.passed += 1;
      console.log(`passed   ${name}`);
    } catch (error) {
      counts[error instanceof Unavailable ? 'skipped' : 'failed'] += 1;
      console.log(`${error instanceof Unavailable ? 'skipped' : 'FAILED'}  ${name}: ${error.message}`);
    }
  }
} finally {
  await stack.stop();
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;

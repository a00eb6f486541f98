/** xo-server as its publisher keeps it: no registry has it, so it is built from its sources, beside the packages of its own repository. */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { program as redisProgram } from '../../stack/redis.mjs';
import { Unavailable, folderOf, here, run, sourcesOf } from './programs.mjs';

const jsonOf = (file) => JSON.parse(readFileSync(file, 'utf8'));
const families = ['@vates', '@xen-orchestra', 'packages'];

/** The folders of a package and of those of the same repository that it needs, to run or to be built. */
function needed(repository, name) {
  const folders = families.flatMap((family) =>
    readdirSync(path.join(repository, family)).map((one) => path.join(family, one)),
  );
  const known = new Map(
    folders
      .filter((folder) => existsSync(path.join(repository, folder, 'package.json')))
      .map((folder) => {
        const about = jsonOf(path.join(repository, folder, 'package.json'));
        return [
          about.name,
          {
            folder,
            uses: Object.keys({
              ...about.dependencies,
              ...about.devDependencies,
              ...about.optionalDependencies,
              ...about.peerDependencies,
            }),
          },
        ];
      }),
  );
  const found = new Set();
  const look = (wanted) => {
    if (found.has(wanted) || !known.has(wanted)) return;
    found.add(wanted);
    known.get(wanted).uses.forEach(look);
  };
  look(name);
  return ['@xen-orchestra/babel-config', ...[...found].map((one) => known.get(one).folder)];
}

const babel = ['npx babel --source-maps --out-dir=dist/ src/'];
/** In the order of their needs; yarn, which their own scripts want, is not there. */
const builds = [
  ['packages/xo-collection', babel],
  ['packages/xo-remote-parser', babel],
  ['packages/xo-vmdk-to-vhd', babel],
  ['@vates/generator-toolbox', ['npx tsc']],
  ['@xen-orchestra/disk-transform', ['npx tsc']],
  ['@xen-orchestra/qcow2', ['npx tsc']],
  ['@xen-orchestra/fs', babel],
  [
    'packages/xo-server',
    [
      'npx index-modules --index-file index.mjs src/api src/xapi/mixins src/xo-mixins',
      'npx babel --keep-file-extension --source-maps --out-dir=dist/ src/',
    ],
  ],
  ['@vates/types', ['npx tsc']],
  ['@xen-orchestra/acl', ['npx tsc', 'node scripts/generate-types.mjs']],
  // Types of a package beside it are missing; what runs is written all the same.
  ['@xen-orchestra/backup-archive', ['npx tsc || true']],
  ['@xen-orchestra/rest-api', ['npx tsoa spec-and-routes', 'npx tsc']],
];

function built() {
  const folder = folderOf('xo');
  const done = path.join(folder, 'built');
  if (existsSync(done)) return folder;
  const repository = sourcesOf('vatesfr/xen-orchestra');
  for (const one of needed(repository, 'xo-server'))
    cpSync(path.join(repository, one), path.join(folder, one), { recursive: true });
  cpSync(path.join(repository, 'babel.config.js'), path.join(folder, 'babel.config.js'));
  const about = {
    name: 'xo',
    private: true,
    workspaces: ['@*/*', 'packages/*'],
    devDependencies: { '@babel/core': '^7.29.0', semver: '^7.3.6' },
  };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(about));
  run('git', ['init', '--quiet'], { cwd: folder }); // its build asks for the last commit
  run(
    'git',
    [
      '-c',
      'user.name=interop',
      '-c',
      'user.email=interop@localhost',
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      'sources',
    ],
    { cwd: folder },
  );
  const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
  run('npm', install, {
    cwd: folder,
    minutes: 40,
    otherwise: 'xo-server depends on packages that the registry does not have',
  });
  for (const [one, commands] of builds)
    for (const command of commands)
      run('sh', ['-c', command], {
        cwd: path.join(folder, one),
        env: { NODE_ENV: 'production' },
        minutes: 20,
      });
  writeFileSync(done, '');
  return folder;
}

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** A server with a folder and a Redis of its own. Answers its URL, its WebSocket class, and how to stop it. */
export async function startOrchestra() {
  const sources = path.join(built(), 'packages/xo-server');
  const [data, port, redisPort] = [
    mkdtempSync(path.join(tmpdir(), 'xo-')),
    await freePort(),
    await freePort(),
  ];
  const { file, env } = redisProgram({
    tools: path.join(here, '../../.xenplane/tools'),
    account: {},
    log: () => undefined,
  });
  const redis = spawn(file, ['--port', redisPort, '--bind', '127.0.0.1', '--save', '', '--dir', data], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  mkdirSync(path.join(data, 'xo-server'));
  const config = [`datadir = '${data}/data'`, '[http.listen.0]', "hostname = '127.0.0.1'", `port = ${port}`];
  config.push(
    '[redis]',
    `uri = 'redis://127.0.0.1:${redisPort}/0'`,
    '[remoteOptions]',
    `mountsDir = '${data}/mounts'`,
    '',
  );
  writeFileSync(path.join(data, 'xo-server/config.toml'), config.join('\n'));
  const server = spawn(process.execPath, ['dist/cli.mjs'], {
    cwd: sources,
    env: { ...process.env, XDG_CONFIG_HOME: data, NODE_ENV: 'production' },
  });
  let said = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => (said += text));
  const stop = () => {
    for (const child of [server, redis]) child.kill();
    rmSync(data, { recursive: true, force: true });
  };
  for (let tries = 0; !said.includes('listening on'); tries += 1) {
    if (server.exitCode !== null || tries > 600) {
      stop();
      throw /libfuse/.test(said)
        ? new Unavailable("Debian's package libfuse2 is not installed")
        : new Error(said);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    WebSocket: createRequire(path.join(sources, 'package.json'))('ws').WebSocket,
    stop,
  };
}

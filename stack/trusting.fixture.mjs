// For the tests: a folder of services as it was made when Postgres trusted everybody and Redis wanted no password, its servers running.
import { spawn, spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import path from 'node:path';
import { privateFolder, reachableFolder, serviceAccount } from './account.mjs';
import { freePort } from './ports.mjs';
import { programs } from './postgres.mjs';
import { query } from './postgres-wire.mjs';
import { waitUntil } from './processes.mjs';
import { program } from './redis.mjs';
import { command } from './redis-wire.mjs';
import { writeState } from './state.mjs';

const [dir, toolsFolder] = process.argv.slice(2);
const log = console.error;
const account = serviceAccount();
const parent = reachableFolder(dir, account, log);
const tools = reachableFolder(toolsFolder, account, log);
const ports = { postgres: await freePort(), redis: await freePort() };
writeState(path.join(parent, 'ports.json'), ports);

function serve(folder, file, args, env = {}) {
  const out = openSync(path.join(folder, 'log'), 'a');
  const child = spawn(file, args, {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ['ignore', out, out],
    env: { PATH: process.env.PATH, LC_ALL: 'C', ...env },
  });
  child.unref();
}
const answers = (ask) =>
  waitUntil(
    () =>
      ask().then(
        () => true,
        () => false,
      ),
    30_000,
    50,
  );

const postgres = privateFolder(parent, 'postgres', account);
const data = path.join(postgres, 'data');
const bin = programs({ account, log });
const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
spawnSync(
  path.join(bin, 'initdb'),
  ['-D', data, '-U', 'xenplane', '--auth=trust', '-E', 'UTF8', '--locale=C'],
  { ...account, cwd: postgres, env },
);
serve(postgres, path.join(bin, 'postgres'), [
  '-D',
  data,
  '-p',
  String(ports.postgres),
  '-c',
  'listen_addresses=127.0.0.1',
  '-c',
  'unix_socket_directories=',
]);
await answers(() => query({ port: ports.postgres }, 'SELECT 1'));
await query({ port: ports.postgres }, 'CREATE DATABASE xenplane');
const made = `CREATE TABLE kept (id serial PRIMARY KEY, answer int);
  CREATE SEQUENCE apart;
  CREATE FUNCTION doubled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.answer := 2 * NEW.answer; RETURN NEW; END $$;
  CREATE TRIGGER doubled BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION doubled();
  CREATE VIEW seen AS SELECT answer FROM kept;
  INSERT INTO kept (answer) VALUES (21)`;
await query({ port: ports.postgres, database: 'xenplane' }, made);

const redis = privateFolder(parent, 'redis', account);
const found = program({ tools, account, log });
const settings = {
  bind: '127.0.0.1',
  port: ports.redis,
  dir: redis,
  pidfile: path.join(redis, 'pid'),
  appendonly: 'yes',
  appendfsync: 'always',
  save: '',
};
serve(
  redis,
  found.file,
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
  found.env,
);
const url = `redis://127.0.0.1:${ports.redis}`;
await answers(() => command(url, ['PING']));
await command(url, ['SET', 'kept', '42']);

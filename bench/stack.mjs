/** A whole stack for one run: the launcher's own, on a data folder of its own, durable as in production. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresUrl } from '../stack/postgres-roles.mjs';

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const programs = ['api', 'scheduler', 'agent', 'leases', 'images'];
const password = 'bench-password';

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** `root`: the checkout that is started. With `tls` it has an address for https too; with `privileged` its hosts answer at 80 and 443. */
export async function startStack({
  hosts,
  vms,
  speed = 0,
  seed = 1,
  port: wanted,
  tls = false,
  privileged = false,
  root = here,
}) {
  const data = mkdtempSync('/var/tmp/xenplane-bench-');
  chmodSync(data, 0o755);
  const port = wanted ?? (await freePort());
  const tlsPort = tls ? await freePort() : 0;
  const flags = { hosts, vms, speed, seed, port, 'tls-port': tlsPort, password, data };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  if (privileged) args.push('--privileged-ports');
  const url = port === 80 ? 'http://127.0.0.1' : `http://127.0.0.1:${port}`;
  let running;
  const end = async () => {
    running.child.kill('SIGTERM');
    await running.exited;
  };
  const begin = async () => {
    const child = spawn(process.execPath, [path.join(root, 'stack/start.mjs'), ...args, '--quiet'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    running = { child, exited: new Promise((resolve) => child.once('exit', resolve)) };
    await untilReady(url, running.exited);
  };
  const stop = async () => {
    await end();
    rmSync(data, { recursive: true, force: true });
  };
  await begin().catch(async (error) => {
    await stop();
    throw error;
  });
  const kept = (name) => JSON.parse(readFileSync(path.join(data, 'services', name), 'utf8'));
  const databaseUrl = postgresUrl(kept('ports.json').postgres, kept('secrets.json').postgres);
  return {
    ...{ url, password, data, stop, databaseUrl },
    ...(tls && { tlsUrl: `https://127.0.0.1:${tlsPort}` }),
    /** On the same data. */
    restart: () => end().then(begin),
    pidOf: (program) => Number(programOf(running.child.pid, program)),
    /** Processor time of each program since its start, in ms. */
    cpuMs: () =>
      Object.fromEntries(programs.map((name) => [name, cpuMsOf(programOf(running.child.pid, name))])),
    peakOf: (program) => peakOf(programOf(running.child.pid, program)),
  };
}

const read = (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
const isProgram = (pid, launcher, name) => {
  try {
    // Behind its name, in parentheses, are its state and its parent.
    return (
      Number(read(pid, 'stat').split(') ').at(-1).split(' ')[1]) === launcher &&
      read(pid, 'cmdline').includes(`/apps/${name}/`)
    );
  } catch {
    return false; // it has gone meanwhile
  }
};
const programOf = (launcher, name) =>
  readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && isProgram(pid, launcher, name));
/** Linux counts user and system time in ticks of 10 ms. */
const cpuMsOf = (pid) => {
  const fields = read(pid, 'stat').split(') ').at(-1).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
};
/** The most memory that a process ever had, in MB of 2 ** 20 bytes. */
const peakOf = (pid) => Math.round(/VmHWM:\s+(\d+)/.exec(read(pid, 'status'))[1] / 1024);

async function untilReady(url, exited) {
  let gone = false;
  void exited.then(() => (gone = true));
  for (let tried = 0; tried < 1200 && !gone; tried += 1) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await answer?.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('the stack did not become ready');
}

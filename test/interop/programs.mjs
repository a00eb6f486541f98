/** Other people's programs: found on this machine, installed from the registries of packages, or built from their sources. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = path.dirname(fileURLToPath(import.meta.url));
/** Outside of the checkout, and shared by all of them. */
export const kept = path.join(
  process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'),
  'xenplane-interop',
);
const venv = path.join(kept, 'venv');
export const installed = (program) => path.join(venv, 'bin', program);
export const python = installed('python');

/** The program cannot be had here: its story is skipped with these words. */
export class Unavailable extends Error {}

export function folderOf(name) {
  const folder = path.join(kept, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Runs a program; its output is shown when it fails. With `otherwise` that means it cannot be had. */
export function run(program, args, { env = {}, cwd = here, otherwise, minutes = 5 } = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: minutes * 60_000,
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return stdout;
  if (otherwise) throw new Unavailable(otherwise);
  throw new Error(`${program} ${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? error?.message ?? ''}`);
}

export function pip(...args) {
  if (!existsSync(installed('pip')))
    run('python3', ['-m', 'venv', venv], { otherwise: 'python3 with venv is not on this machine' });
  run(python, ['-m', 'pip', '--quiet', ...args], { otherwise: `pip cannot ${args.join(' ')}` });
}

/** The line of a failed program's output that says why a registry or a repository did not answer. */
export const reasonOf = ({ stdout, stderr, error }) =>
  /Could not find artifact|.*(?:40[34] .*|not available.*|returned error.*)|.*(?:refused|unknown host|could not resolve|timeout|timed out|terminal prompts).*/i.exec(
    `${stdout}${stderr}`,
  )?.[0] ??
  error?.message ??
  'no reason given';

/**
 * The sources of a program that no registry has. XENPLANE_INTEROP_SOURCES names a folder with checkouts, each called
 * owner+name; what is not there is cloned.
 */
export function sourcesOf(repository) {
  const named = repository.replace('/', '+');
  const given =
    process.env.XENPLANE_INTEROP_SOURCES && path.join(process.env.XENPLANE_INTEROP_SOURCES, named);
  if (given && existsSync(given)) return given;
  const folder = path.join(folderOf('sources'), named);
  if (existsSync(folder)) return folder;
  const options = { encoding: 'utf8', timeout: 300_000, env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } };
  const cloned = spawnSync(
    'git',
    ['clone', '--quiet', '--depth', '1', `https://github.com/${repository}`, folder],
    options,
  );
  if (cloned.status !== 0) {
    throw new Unavailable(
      `no checkout of ${repository} in XENPLANE_INTEROP_SOURCES, and none can be made: ${reasonOf(cloned).trim()}`,
    );
  }
  return folder;
}

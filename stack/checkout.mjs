// Brings a clone to the point where its programs can run: packages installed, sources built.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './processes.mjs';
import { makeFolder, withLock } from './state.mjs';

const sources = ['apps', 'libs', 'migrations', 'package.json', 'package-lock.json', 'nest-cli.json'];

const hashOf = (text) => createHash('sha256').update(text).digest('hex');
const stampOf = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];

function runNpm(args, options) {
  const [file, ...before] = npm;
  return run(file, [...before, ...args], options);
}

/** npm writes node_modules/.package-lock.json last; newer than ours it means that someone installed by hand. */
function isInstalled(root, stamp, wanted) {
  const theirs = path.join(root, 'node_modules/.package-lock.json');
  const byHand =
    existsSync(theirs) && statSync(theirs).mtimeMs >= statSync(path.join(root, 'package-lock.json')).mtimeMs;
  return stampOf(stamp) === wanted || byHand;
}

/** `--include=dev`: the build needs them, and NODE_ENV=production in the user's shell would drop them. */
async function install(root, options) {
  const stamp = path.join(root, 'node_modules/.xenplane-stamp');
  const wanted = hashOf(readFileSync(path.join(root, 'package-lock.json')));
  if (isInstalled(root, stamp, wanted)) return;
  options.log('installing packages (npm ci) ...');
  await runNpm(
    [
      'ci',
      '--include=dev',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel=error',
    ],
    {
      cwd: root,
      ...options.run,
    },
  );
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function filesUnder(place) {
  if (!existsSync(place)) return [];
  if (!statSync(place).isDirectory()) return [place];
  const entries = readdirSync(place, { withFileTypes: true }).filter(
    ({ name }) => name !== 'node_modules' && name !== 'dist',
  );
  return entries.flatMap((entry) => {
    const inside = path.join(place, entry.name);
    return entry.isDirectory() ? filesUnder(inside) : [inside];
  });
}

/** Changes with any source that goes into dist, also one that was removed or replaced by an older one. */
function signature(root) {
  const configs = readdirSync(root).filter((name) => /^tsconfig.*\.json$|^\.swcrc$/.test(name));
  const files = [...sources, ...configs].flatMap((name) => filesUnder(path.join(root, name)));
  const compiled = files.filter((file) => !/\.(spec|e2e-spec)\.tsx?$/.test(file)).sort();
  return hashOf(
    compiled
      .map((file) => `${path.relative(root, file)} ${statSync(file).mtimeMs} ${statSync(file).size}`)
      .join('\n'),
  );
}

async function build(root, options) {
  const stamp = path.join(root, 'dist/.xenplane-stamp');
  const wanted = signature(root);
  if (stampOf(stamp) === wanted) return;
  options.log('building (npm run build) ...');
  await runNpm(['run', '--silent', 'build'], { cwd: root, ...options.run });
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** One at a time in a clone: `npm start` beside `npm test` must not install over one another. */
export async function prepareCheckout(root, { log, abort, env = {}, build: wantsBuild = true }) {
  const lock = path.join(makeFolder(path.join(root, '.xenplane')), 'checkout.lock');
  const options = { log, run: { signal: abort, env: { ...process.env, ...env } } };
  await withLock(
    lock,
    async () => {
      await install(root, options);
      if (wantsBuild) await build(root, options);
    },
    abort,
  );
}

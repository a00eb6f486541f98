/**
 * `npm run bench -- P1 [P3 ...] [--vms N] [--hosts N]`: a stack, the machine's limits and the goal in one run; a table, and the figures as JSON.
 * `npm run bench -- pair P1 --with DIR [--runs 10]`: processor time per call of this checkout and of the one in DIR, by turns.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { goals } from './goals.mjs';
import { measureLimits } from './limits.mjs';
import { pair } from './pair.mjs';
import { cpuPerCall } from './cpu.mjs';
import { startStack } from './stack.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const flag = (name) =>
  args.includes(`--${name}`) ? { [name]: Number(args[args.indexOf(`--${name}`) + 1]) } : {};
const wanted = args.filter((a) => a in goals);
if (wanted.length === 0) {
  process.stderr.write(
    `Name a benchmark:${Object.entries(goals)
      .map(([name, { what }]) => `\n  ${name}  ${what}`)
      .join('')}\n`,
  );
  process.exit(2);
}

const asked = { ...flag('vms'), ...flag('hosts') };
if (args[0] === 'pair') {
  const other = args[args.indexOf('--with') + 1];
  for (const name of wanted)
    await pair(name, {
      scale: { ...goals[name].scale, ...asked },
      other: path.resolve(other),
      runs: 10,
      ...flag('runs'),
    });
  process.exit(0);
}

for (const name of wanted) {
  const goal = goals[name];
  const scale = { ...goal.scale, ...asked };
  const stack = await startStack(scale);
  try {
    const limits = await measureLimits(stack.databaseUrl);
    const { figures, cpu } = await cpuPerCall(goal, stack);
    const ratios = goal.ratios(figures, limits);
    console.log(`${name}: ${goal.what}`);
    console.table({ ...scale, ...figures, ...cpu, ...ratios, ...limits });
    const sha = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: here, encoding: 'utf8' }).trim();
    const machine = {
      node: process.version,
      cpus: os.cpus().length,
      cpu: os.cpus()[0]?.model,
      kernel: os.release(),
    };
    mkdirSync(path.join(here, 'results'), { recursive: true });
    writeFileSync(
      path.join(here, 'results', `${name}.json`),
      `${JSON.stringify({ name, at: new Date().toISOString(), sha, ...machine, scale, figures, cpu, ratios, limits }, null, 2)}\n`,
    );
  } finally {
    await stack.stop();
  }
}

/** Two checkouts measured by turns, so that both meet the same machine: processor time per call, medians and their ratio. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuPerCall } from './cpu.mjs';
import { goals } from './goals.mjs';
import { startStack } from './stack.mjs';
import { round } from './work.mjs';

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function once(goal, scale, root) {
  const stack = await startStack({ ...scale, root });
  try {
    return (await cpuPerCall(goal, stack)).cpu['cpu ms/call all programs'];
  } finally {
    await stack.stop();
  }
}

export async function pair(name, { scale, other, runs }) {
  const goal = goals[name];
  if (!goal.calls) throw new Error(`${name} counts no calls`);
  if (!existsSync(path.join(other, 'stack/start.mjs')))
    throw new Error(`--with wants the folder of another checkout, not ${other}`);
  const [ours, theirs] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    const turns = [
      [ours, here],
      [theirs, other],
    ];
    for (const [values, root] of run % 2 === 0 ? turns : turns.reverse())
      values.push(await once(goal, scale, root));
    console.log(`${name}, run ${run + 1}: ${ours.at(-1)} ms here, ${theirs.at(-1)} ms in ${other}`);
  }
  const [mine, its] = [median(ours), median(theirs)];
  console.table({
    'cpu ms/call here': round(mine),
    'cpu ms/call there': round(its),
    ratio: round(mine / its),
  });
}

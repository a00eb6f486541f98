/** Processor time of each program per call that a benchmark makes, in ms. */
import { round } from './work.mjs';

export async function cpuPerCall(goal, stack) {
  if (!goal.calls) return { figures: await goal.run(stack), cpu: {} };
  const before = stack.cpuMs();
  const figures = await goal.run(stack);
  const after = stack.cpuMs();
  const calls = goal.calls(figures);
  const each = Object.entries(after).map(([name, ms]) => [name, (ms - before[name]) / calls]);
  const total = each.reduce((sum, [, ms]) => sum + ms, 0);
  return {
    figures,
    cpu: Object.fromEntries(
      [...each, ['all programs', total]].map(([name, ms]) => [`cpu ms/call ${name}`, round(ms)]),
    ),
  };
}

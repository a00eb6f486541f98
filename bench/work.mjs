/** Shared by the benchmarks: figures, and the start of a VM as a client does it. */
export const round = (value) => Math.round(value * 100) / 100;
export const rounded = (figures) =>
  Object.fromEntries(Object.entries(figures).map(([k, v]) => [k, round(v)]));
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function haltedVms(call) {
  const records = await call('VM.get_all_records');
  return Object.entries(records)
    .filter(([, vm]) => !vm.is_a_template && !vm.is_control_domain && vm.power_state === 'Halted')
    .map(([ref]) => ref);
}

/** Async.VM.start, wait by event.from on its task, read the power state back. */
export async function startOne(call, vm) {
  const task = await call('Async.VM.start', vm, false, false);
  for (let token = '', status = 'pending'; status === 'pending';) {
    const batch = await call('event.from', [`task/${task}`], token, 30);
    token = batch.token;
    const snapshot = batch.events.at(-1)?.snapshot;
    status = snapshot?.status ?? status;
    if (status === 'failure') throw new Error(snapshot.error_info.join(' '));
  }
  const state = await call('VM.get_power_state', vm);
  if (state !== 'Running') throw new Error(`${vm} is ${state}`);
}

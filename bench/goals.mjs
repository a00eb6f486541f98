/** The benchmarks, most by their names in the performance goals. Each takes a running stack and answers figures. */
import http from 'node:http';
import { logIn, summary } from './client.mjs';
import { memory } from './memory.mjs';
import { B15, B16 } from './others.mjs';
import { haltedVms, pause, round, rounded, startOne } from './work.mjs';

async function startAll(stack, vms, clients) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients + 4 });
  const call = await logIn(stack.url, stack.password, agent);
  const waits = [];
  const began = performance.now();
  const client = async () => {
    for (let vm = vms.pop(); vm !== undefined; vm = vms.pop()) {
      const at = performance.now();
      await startOne(call, vm);
      waits.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return { seconds: (performance.now() - began) / 1000, waits };
}

const P1 = {
  what: 'VM.start end to end per second, 64 clients',
  scale: { hosts: 64, vms: 2000 },
  async run(stack) {
    const vms = await haltedVms(await logIn(stack.url, stack.password));
    const count = vms.length;
    const { seconds, waits } = await startAll(stack, vms, 64);
    return { 'starts/s': round(count / seconds), started: count, ...rounded(summary(waits)) };
  },
  calls: ({ started }) => started,
  ratios: (figures, limits) => ({
    'to L1/3': round(figures['starts/s'] / (limits['L1 three-write commits/s'] / 3)),
  }),
};

const chosen = (snapshot) =>
  snapshot !== undefined &&
  (snapshot.scheduled_to_be_resident_on !== 'OpaqueRef:NULL' || snapshot.resident_on !== 'OpaqueRef:NULL');

const P3 = {
  what: 'placement latency in ms: from the call until a client sees the host chosen and committed, idle pool',
  scale: { hosts: 64, vms: 400 },
  async run(stack) {
    const call = await logIn(stack.url, stack.password);
    const waits = [];
    for (const vm of (await haltedVms(call)).slice(0, 300)) {
      let { token } = await call('event.from', [`vm/${vm}`], '', 0);
      const began = performance.now();
      const task = await call('Async.VM.start', vm, false, false);
      for (let placed = false; !placed;) {
        const batch = await call('event.from', [`vm/${vm}`], token, 10);
        token = batch.token;
        placed = chosen(batch.events.at(-1)?.snapshot);
      }
      waits.push(performance.now() - began);
      while ((await call('task.get_status', task)) === 'pending') await pause(5);
    }
    return rounded(summary(waits));
  },
  calls: ({ n }) => n,
  ratios: (figures, limits) => ({
    'p50 to one commit': round(figures.p50 / (16_000 / limits['L0 commits/s'])),
  }),
};

const P8 = {
  what: 'event latency in ms: from the answer to a write until the last of 100 subscribers has it, 200 writes/s',
  scale: { hosts: 8, vms: 200 },
  async run(stack) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 130 });
    const call = await logIn(stack.url, stack.password, agent);
    const vms = await haltedVms(call);
    const seen = new Map(),
      written = new Map();
    const counts = new Map();
    let running = true;
    const { token } = await call('event.from', ['pool'], '', 0);
    const subscribe = async () => {
      for (let at = token; running;) {
        const batch = await call('event.from', ['*'], at, 5);
        at = batch.token;
        const now = performance.now();
        for (const event of batch.events.filter((e) => e.class === 'vm')) {
          const mark = event.snapshot.name_description;
          seen.set(mark, now);
          counts.set(mark, (counts.get(mark) ?? 0) + 1);
        }
      }
    };
    const subscribers = Array.from({ length: 100 }, subscribe);
    await pause(500);
    for (let i = 0, began = performance.now(); i < 2000; i += 1) {
      const mark = `mark ${i}`;
      void call('VM.set_name_description', vms[i % vms.length], mark).then(() =>
        written.set(mark, performance.now()),
      );
      await pause(Math.max(0, began + i * 5 - performance.now()));
    }
    await pause(1000);
    running = false;
    await call('VM.set_name_description', vms[0], 'the end');
    await Promise.all(subscribers);
    agent.destroy();
    const waits = [...written]
      .filter(([mark]) => counts.get(mark) === 100)
      .map(([mark, at]) => Math.max(0, seen.get(mark) - at));
    return { ...rounded(summary(waits)), written: written.size };
  },
  calls: ({ written }) => written,
  ratios: (figures, limits) => ({ 'p99 to L5': round(figures.p99 / limits['L5 notify p99 ms']) }),
};

const B5 = {
  what: 'a scheduler that is stopped again and again in the midst of 64 clients that start VMs: ms until a write is answered, and until its event is there',
  scale: { hosts: 64, vms: 2000 },
  async run(stack) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 80 });
    const call = await logIn(stack.url, stack.password, agent);
    const vms = await haltedVms(call);
    const [pool] = await call('pool.get_all');
    const scheduler = stack.pidOf('scheduler');
    const [writes, events] = [[], []];
    const failures = [];
    let running = true;
    const client = async () => {
      while (running && vms.length > 0)
        await startOne(call, vms.pop()).catch((error) => failures.push(error.message));
    };
    const probe = async () => {
      for (let i = 0, { token } = await call('event.from', ['pool'], '', 0); running; i += 1) {
        const mark = `mark ${i}`;
        const began = performance.now();
        await call('pool.set_name_description', pool, mark);
        writes.push(performance.now() - began);
        for (let seen = false; !seen;) {
          const batch = await call('event.from', ['pool'], token, 30);
          token = batch.token;
          seen = batch.events.some((e) => e.snapshot?.name_description === mark);
        }
        events.push(performance.now() - began);
        await pause(20);
      }
    };
    const clients = Array.from({ length: 64 }, client);
    const probing = probe();
    for (let i = 0; i < 6; i += 1) {
      await pause(500 + 137 * i);
      process.kill(scheduler, 'SIGSTOP');
      await pause(8_000);
      process.kill(scheduler, 'SIGCONT');
    }
    running = false;
    await Promise.all([...clients, probing]);
    agent.destroy();
    const named = (of, waits) =>
      Object.fromEntries(Object.entries(summary(waits)).map(([name, value]) => [`${of} ${name}`, value]));
    return { ...rounded({ ...named('write', writes), ...named('event', events) }), failed: failures.length };
  },
  ratios: (figures) => ({ 'longest to 5 s': round(figures['event max'] / 5_000) }),
};

export const goals = { P1, P3, P8, B5, B15, B16, memory };

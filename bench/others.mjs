/** The effect of one client's load on the others: too many clients at once, and answers about very many objects. */
import http from 'node:http';
import { logIn, summary, tokenOf } from './client.mjs';
import { haltedVms, pause, round, rounded, startOne } from './work.mjs';

const agentFor = (sockets) => new http.Agent({ keepAlive: true, maxSockets: sockets });
/** A client that is turned away comes back a little later. */
async function patiently(turnedAway, work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!/TOO_BUSY/.test(error.message)) throw error;
      turnedAway.count += 1;
      await pause(200 + 300 * Math.random());
    }
  }
}

/** Until as many VMs start as end starting. */
const settleSeconds = 5;
/** Clients that start VMs one after the other; answers how many are running a second, once they have settled. */
async function startersFor(stack, vms, { clients, seconds, turnedAway }) {
  const call = await logIn(stack.url, stack.password, agentFor(clients + 4));
  const begins = performance.now() + settleSeconds * 1000,
    ends = begins + seconds * 1000;
  let started = 0;
  const client = async () => {
    while (performance.now() < ends) {
      const vm = vms.pop();
      if (vm === undefined) throw new Error('too few VMs');
      await patiently(turnedAway, () => startOne(call, vm));
      const now = performance.now();
      if (begins < now && now < ends) started += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return started / seconds;
}

/** Reads one after the other until `isOver`; answers how long each took. */
async function read(call, vm, turnedAway, isOver, restMs = 0) {
  const waits = [];
  while (!isOver()) {
    const at = performance.now();
    await patiently(turnedAway, () => call('VM.get_power_state', vm));
    waits.push(performance.now() - at);
    if (restMs > 0) await pause(restMs);
  }
  return waits;
}

export const B15 = {
  what: 'three times the load: 256 clients of VM.start and 100 readers, beside a light client (ms)',
  scale: { hosts: 64, vms: 6000 },
  async run(stack) {
    const call = await logIn(stack.url, stack.password, agentFor(2));
    const vms = await haltedVms(call);
    const [some] = vms;
    const seconds = 15;
    const peak = await startersFor(stack, vms, { clients: 64, seconds, turnedAway: { count: 0 } });
    let over = false;
    const away = { starts: { count: 0 }, reads: { count: 0 }, light: { count: 0 } };
    const readers = await Promise.all(
      Array.from({ length: 10 }, () => logIn(stack.url, stack.password, agentFor(10))),
    );
    const began = performance.now();
    const reading = Array.from({ length: 100 }, (_, i) =>
      read(readers[i % 10], some, away.reads, () => over),
    );
    const light = read(call, some, away.light, () => over, 50);
    const loaded = await startersFor(stack, vms, { clients: 256, seconds, turnedAway: away.starts }).finally(
      async () => {
        over = true;
        await Promise.allSettled([...reading, light]);
      },
    );
    const reads = (await Promise.all(reading)).flat();
    const readSeconds = (performance.now() - began) / 1000;
    const figures = {
      'peak starts/s': peak,
      'loaded starts/s': loaded,
      share: loaded / peak,
      'reads/s': reads.length / readSeconds,
    };
    const { p50, p99, max } = summary(await light);
    return {
      ...rounded({ ...figures, 'light p50': p50, 'light p99': p99, 'light max': max }),
      'turned away': away.starts.count + away.reads.count,
    };
  },
  ratios: () => ({}),
};

/** The bytes of one answer and how long they took. */
const fetchAll = (url, path, body) =>
  new Promise((resolve, reject) => {
    const at = performance.now();
    const request = http.request(
      url + path,
      { method: 'POST', headers: { 'content-length': Buffer.byteLength(body) } },
      (response) => {
        let bytes = 0;
        response.on('data', (piece) => (bytes += piece.length));
        response
          .on('error', reject)
          .on('end', () => resolve({ bytes, seconds: (performance.now() - at) / 1000 }));
      },
    );
    request.on('error', reject).end(body);
  });
const xmlCall = (method, session) =>
  `<methodCall><methodName>${method}</methodName><params><param><value>${session}</value></param></params></methodCall>`;

export const B16 = {
  what: 'VM.get_all_records of 10,000 VMs on both wires: MB/s, and how long other calls take meanwhile (ms)',
  scale: { hosts: 64, vms: 10_000 },
  async run(stack) {
    const call = await logIn(stack.url, stack.password, agentFor(2));
    const [some] = await haltedVms(call);
    const session = await tokenOf(stack.url, stack.password);
    const figures = {};
    for (const [wire, path, body] of [
      ['JSON', '/jsonrpc', JSON.stringify({ id: 1, method: 'VM.get_all_records', params: [session] })],
      ['XML', '/', xmlCall('VM.get_all_records', session)],
    ]) {
      let over = false;
      const others = read(call, some, { count: 0 }, () => over, 2);
      const answers = [];
      for (let i = 0; i < 5; i += 1) answers.push(await fetchAll(stack.url, path, body));
      over = true;
      const { p50, p99, max } = summary(await others);
      const rates = answers.map(({ bytes, seconds }) => bytes / 1e6 / seconds).sort((a, b) => a - b);
      Object.assign(figures, {
        [`${wire} MB`]: answers[0].bytes / 1e6,
        [`${wire} MB/s`]: rates[2],
        [`${wire} others p50`]: p50,
        [`${wire} others p99`]: p99,
        [`${wire} others max`]: max,
      });
    }
    return rounded(figures);
  },
  ratios: (figures) => ({ 'XML to JSON': round(figures['XML MB/s'] / figures['JSON MB/s']) }),
};

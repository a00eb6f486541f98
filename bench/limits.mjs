/** The limits of this machine at the moment of the run: every figure is also given as a ratio to these. */
import http from 'node:http';
import pg from 'pg';

async function rate(seconds, concurrency, work) {
  const end = performance.now() + seconds * 1000;
  let done = 0;
  const worker = async () => {
    while (performance.now() < end) {
      await work();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return Math.round(done / seconds);
}

const setUp = `DROP TABLE IF EXISTS limits_a, limits_b, limits_c; CREATE TABLE limits_a(id int PRIMARY KEY, v int); CREATE TABLE limits_b(id int PRIMARY KEY, v int);
CREATE TABLE limits_c(id bigserial PRIMARY KEY, t text); INSERT INTO limits_a SELECT i, 0 FROM generate_series(1, 10000) i; INSERT INTO limits_b SELECT i, 0 FROM generate_series(1, 10000) i`;
const three =
  'WITH x AS (UPDATE limits_a SET v = v + 1 WHERE id = $1), y AS (UPDATE limits_b SET v = v + 1 WHERE id = $2) INSERT INTO limits_c(t) VALUES ($3)';
const row = () => 1 + Math.floor(Math.random() * 10000);

/** L0: commits of one changed row, 16 connections. L1: three writes in one statement. L3: bare HTTP. L5: from a commit to a listener. */
export async function measureLimits(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 16 });
  await pool.query(setUp);
  const text = 'x'.repeat(500);
  const L0 = await rate(2, 16, () =>
    pool.query({ name: 'l0', text: 'UPDATE limits_a SET v = v + 1 WHERE id = $1', values: [row()] }),
  );
  const L1 = await rate(2, 16, () => pool.query({ name: 'l1', text: three, values: [row(), row(), text] }));
  const L5 = await notifyLatency(pool, connectionString);
  await pool.query('DROP TABLE limits_a, limits_b, limits_c');
  await pool.end();
  return {
    'L0 commits/s': L0,
    'L1 three-write commits/s': L1,
    'L3 http rps': await bareHttp(),
    'L5 notify p99 ms': L5,
  };
}

async function notifyLatency(pool, connectionString) {
  const listener = new pg.Client({ connectionString });
  await listener.connect();
  await listener.query('LISTEN limits');
  const waits = [];
  for (let i = 0; i < 300; i += 1) {
    const heard = new Promise((resolve) => listener.once('notification', resolve));
    const began = performance.now();
    await pool.query("INSERT INTO limits_c(t) VALUES ('n')");
    await pool.query("SELECT pg_notify('limits', '')");
    await heard;
    waits.push(performance.now() - began);
  }
  await listener.end();
  return Number(waits.sort((a, b) => a - b)[297].toFixed(2));
}

async function bareHttp() {
  const server = http.createServer((request, response) =>
    request.resume().on('end', () => response.end('{"jsonrpc":"2.0","result":"","id":1}')),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const { port } = server.address();
  const once = () =>
    new Promise((resolve, reject) => {
      const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent }, (response) =>
        response.resume().on('end', resolve),
      );
      request.on('error', reject);
      request.end('{"jsonrpc":"2.0","id":1,"method":"x","params":[]}');
    });
  const rps = await rate(2, 32, once);
  agent.destroy();
  server.close();
  return rps;
}

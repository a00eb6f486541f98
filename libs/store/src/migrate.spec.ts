import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { Client } from 'pg';
import { ddl } from './schema/ddl';
import { migrate } from './migrate';
import { Store } from './store';

/** A schema as Postgres describes it: independent of the order in which it was made. */
const catalog: Readonly<Record<string, string>> = {
  columns: `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || udt_name || ' ' || is_nullable || ' ' || coalesce(column_default, '-') AS line FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migrations'`,
  indexes: `SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migrations'`,
  constraints: `SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('migrations'), 0::regclass)`,
  triggers: `SELECT pg_get_triggerdef(oid) AS line FROM pg_trigger WHERE NOT tgisinternal`,
  functions: `SELECT proname || ' ' || prosrc AS line FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
  sequences: `SELECT sequencename || ' ' || data_type::text AS line FROM pg_sequences WHERE schemaname = 'public' AND sequencename NOT LIKE 'migrations%'`,
  storage: `SELECT relname || ' ' || coalesce(reloptions::text, '') AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'migrations'`,
};

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function emptyDatabase(): Promise<TestDatabase> {
  const made = await createTestDatabase();
  const client = new Client({ connectionString: made.url });
  await client.connect();
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await client.end();
  return made;
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}
const linesOf = (url: string, sql: string): Promise<string[]> =>
  withClient(url, async (client) =>
    (await client.query<{ line: string }>(sql)).rows.map((r) => r.line).sort(),
  );

test('the migrations make what the model says; when this fails, a migration is missing', async () => {
  const wanted = await emptyDatabase();
  await withClient(wanted.url, async (client) => {
    for (const sql of ddl()) await client.query(sql);
  });
  for (const [what, sql] of Object.entries(catalog)) {
    const [is, should] = [await linesOf(database.url, sql), await linesOf(wanted.url, sql)];
    expect({
      what,
      missing: should.filter((l) => !is.includes(l)),
      surplus: is.filter((l) => !should.includes(l)),
    }).toEqual({
      what,
      missing: [],
      surplus: [],
    });
    expect(is.length).toBeGreaterThan(0);
  }
  await wanted.drop();
});

test('what TypeORM is told of the tables is what they are, as to columns and their types', async () => {
  const store = await Store.connect({ url: database.url, connections: 1 });
  const rows = await store.query<{ line: string }>(
    `SELECT table_name || '.' || column_name || ' ' || is_nullable AS line FROM information_schema.columns WHERE table_schema = 'public'`,
  );
  const present = new Set(rows.map((r) => r.line));
  const told = store.dataSource.entityMetadatas.flatMap((entity) =>
    entity.columns.map((c) => `${entity.tableName}.${c.databaseName} ${c.isNullable ? 'YES' : 'NO'}`),
  );
  expect(told.length).toBeGreaterThan(800);
  expect(told.filter((line) => !present.has(line))).toEqual([]);
  await store.close();
});

test('many processes may migrate at once: one does it, the others wait for it', async () => {
  const empty = await emptyDatabase();
  const stores = await Promise.all([1, 2, 3, 4].map(() => Store.connect({ url: empty.url, connections: 2 })));
  await Promise.all(stores.map(migrate));
  const [first] = stores;
  expect(await first?.query('SELECT count(*) AS n FROM migrations')).toEqual([
    { n: first?.dataSource.migrations.length },
  ]);
  await Promise.all(stores.map((s) => s.close()));
  await empty.drop();
});

test('VMs that run when the server is updated get guest metrics, and the consoles of their virtualisation', async () => {
  const older = await createTestDatabase();
  await withClient(older.url, async (client) => {
    await client.query(`DROP TABLE passed_pci; DELETE FROM migrations WHERE name LIKE 'GuestsAndDevices%';
      INSERT INTO host(ref, uuid, address) VALUES ('h', 'h', '10.0.0.1')`);
    for (const [name, state, type, protocols] of [
      ['hvm', 'Running', 'hvm', ['rfb', 'vt100']],
      ['pv', 'Paused', 'pv', ['vt100']],
      ['halted', 'Halted', 'unspecified', []],
    ] as const) {
      await client.query('INSERT INTO vm_metrics(ref, uuid, current_domain_type) VALUES ($1, $1, $2)', [
        `m-${name}`,
        type,
      ]);
      const host = state === 'Halted' ? null : 'h';
      await client.query(
        'INSERT INTO vm(ref, uuid, name_label, power_state, resident_on, metrics) VALUES ($1, $1, $1, $2, $3, $4)',
        [name, state, host, `m-${name}`],
      );
      for (const protocol of protocols)
        await client.query('INSERT INTO console(ref, uuid, protocol, "VM") VALUES ($1, $1, $2, $3)', [
          `${name} ${protocol}`,
          protocol,
          name,
        ]);
    }
  });
  const store = await Store.connect({ url: older.url, connections: 1 });
  await migrate(store);
  const shown = await store.query<{ ref: string; silent: boolean | null; protocols: string[] }>(
    `SELECT v.ref, g.live AND g.os_version = '{}' AS silent, ARRAY(SELECT c.protocol FROM console c WHERE c."VM" = v.ref ORDER BY c.protocol) AS protocols
     FROM vm v LEFT JOIN vm_guest_metrics g ON g.ref = v.guest_metrics ORDER BY v.ref`,
  );
  expect(shown).toEqual([
    { ref: 'halted', silent: null, protocols: [] },
    { ref: 'hvm', silent: true, protocols: ['rfb'] },
    { ref: 'pv', silent: true, protocols: ['rfb', 'vt100'] },
  ]);
  await store.close();
  await older.drop();
});

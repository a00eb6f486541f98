/** A database for each spec file, made from one that is migrated once. */
import { createHash, randomBytes } from 'node:crypto';
import { testServices } from '@xenplane/config';
import { migrate, schema, Store } from '@xenplane/store';
import { Client } from 'pg';

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}
const lock = 7_290_002;
const templateName = `xenplane_template_${createHash('sha256').update(schema().join('\n')).digest('hex').slice(0, 16)}`;

const withName = (url: string, name: string): string => {
  const at = new URL(url);
  at.pathname = `/${name}`;
  return at.toString();
};

async function asAdmin<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function ensureTemplate(url: string, admin: Client): Promise<void> {
  const { rows } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [templateName]);
  if (rows.length > 0) return;
  const making = `${templateName}_new`;
  await admin.query(`DROP DATABASE IF EXISTS ${making}`);
  await admin.query(`CREATE DATABASE ${making}`);
  const store = await Store.connect({ url: withName(url, making), poolSize: 2 });
  await migrate(store);
  await store.close();
  await admin.query(`ALTER DATABASE ${making} RENAME TO ${templateName}`);
}

export async function createTestDatabase(adminUrl = testServices().databaseUrl): Promise<TestDatabase> {
  const name = `xenplane_test_${randomBytes(6).toString('hex')}`;
  await asAdmin(adminUrl, async (admin) => {
    await admin.query('SELECT pg_advisory_lock($1)', [lock]);
    await ensureTemplate(adminUrl, admin);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${templateName} STRATEGY wal_log`);
    await admin.query('SELECT pg_advisory_unlock($1)', [lock]);
  });
  return {
    url: withName(adminUrl, name),
    drop: () => asAdmin(adminUrl, async (admin) => void (await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  };
}

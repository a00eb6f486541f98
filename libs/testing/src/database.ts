/** A database for one spec file: a copy of a template that is migrated once for each state of the migrations. */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { testServices } from '@xenplane/config';
import { migrate, Store } from '@xenplane/store';
import { Client, DatabaseError } from 'pg';

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

const migrations = path.resolve(__dirname, '../../../migrations');
/** Which of them are run, and in which order, says the store. */
const list = path.resolve(__dirname, `../../store/src/store${path.extname(__filename)}`);
const templateName = (): string => {
  const hash = createHash('sha256').update(readFileSync(list));
  for (const file of readdirSync(migrations).sort())
    hash.update(file).update(readFileSync(path.join(migrations, file)));
  return `xenplane_template_${hash.digest('hex').slice(0, 16)}`;
};

const urlOf = (adminUrl: string, database: string): string => {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
};

async function asAdmin<T>(adminUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Under a lock, since spec files run at the same time; under another name until it is whole, since one may be stopped half-way. */
async function ensureTemplate(client: Client, adminUrl: string): Promise<string> {
  const name = templateName(),
    draft = `${name}_draft`;
  const exists = async (): Promise<boolean> =>
    (await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).rows.length > 0;
  if (await exists()) return name;
  await client.query(`SELECT pg_advisory_lock(hashtext('xenplane/template'))`);
  try {
    if (await exists()) return name;
    await client.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${draft} TEMPLATE template0 ENCODING 'UTF8'`);
    const store = await Store.connect({ url: urlOf(adminUrl, draft), connections: 2 });
    await migrate(store).finally(() => store.close());
    await client.query(`ALTER DATABASE ${draft} RENAME TO ${name}`);
    return name;
  } finally {
    await client.query(`SELECT pg_advisory_unlock(hashtext('xenplane/template'))`);
  }
}

/** Autovacuum belongs to the superuser, whose processes the programs' role may not end: then it is tried again. */
async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  const drop = (): Promise<void> =>
    asAdmin(
      adminUrl,
      async (client) => void (await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
    );
  for (let tries = 0; ; tries += 1) {
    try {
      return await drop();
    } catch (error) {
      if (tries >= mostDrops || !(error instanceof DatabaseError) || error.code !== insufficientPrivilege)
        throw error;
    }
    await sleep(100);
  }
}
const mostDrops = 300;
const insufficientPrivilege = '42501';
const newName = (): string => `xenplane_test_${randomUUID().replaceAll('-', '')}`;

/** A database with the statements of a dump, not migrated: the state that an earlier version left. */
export async function restoreTestDatabase(
  dump: string,
  adminUrl: string = testServices().databaseUrl,
): Promise<TestDatabase> {
  const name = newName();
  await asAdmin(adminUrl, (client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`),
  );
  await asAdmin(urlOf(adminUrl, name), (client) => client.query(dump));
  return { url: urlOf(adminUrl, name), drop: () => dropDatabase(adminUrl, name) };
}

/** A migrated, empty database of its own, on the server that `DATABASE_URL` names unless another is given. */
export async function createTestDatabase(
  adminUrl: string = testServices().databaseUrl,
): Promise<TestDatabase> {
  const name = newName();
  await asAdmin(adminUrl, async (client) => {
    const template = await ensureTemplate(client, adminUrl);
    // Copying files is the fastest, unless they must be made durable: then the log is.
    const { rows } = await client.query<{ fsync: string }>('SHOW fsync');
    await client.query(
      `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY ${rows[0]?.fsync === 'off' ? 'file_copy' : 'wal_log'}`,
    );
  });
  return { url: urlOf(adminUrl, name), drop: () => dropDatabase(adminUrl, name) };
}

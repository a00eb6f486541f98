// The roles of our own Postgres: its superuser, for the launcher alone, and the role of the programs, which owns the schema of their tables and nothing else.
import { query } from './postgres-wire.mjs';

export const superuser = 'xenplane';
const programs = 'xenplane_programs';
const database = 'xenplane';

export const postgresUrl = (port, secrets) =>
  `postgres://${programs}:${secrets.programs}@127.0.0.1:${port}/${database}`;
/** How the launcher is let in. */
export const admit = (port, secrets) => ({ port, user: superuser, password: secrets.superuser });

/** Objects that the superuser made, when it was the only role, become the programs'. Sequences of columns follow their tables. */
const giveAway = `DO $$
DECLARE
  thing record;
BEGIN
  FOR thing IN SELECT c.oid::regclass AS name FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relowner <> '${programs}'::regrole
  LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO ${programs}', thing.name);
  END LOOP;
  FOR thing IN SELECT c.oid::regclass AS name FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND c.relowner <> '${programs}'::regrole
  LOOP
    EXECUTE format('ALTER SEQUENCE %s OWNER TO ${programs}', thing.name);
  END LOOP;
  FOR thing IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> '${programs}'::regrole
  LOOP
    EXECUTE format('ALTER ROUTINE %s OWNER TO ${programs}', thing.name);
  END LOOP;
END
$$`;

/** The database, its schema and the schema's owner, as they are to be, whatever was there before. `mayCreate`: for tests, which make databases of their own. */
export async function ownDatabase(port, secrets, { mayCreate }) {
  const ask = (sql, inDatabase = 'postgres') =>
    query({ ...admit(port, secrets), database: inDatabase, timeoutMs: 60_000 }, sql);
  const isThere = async (table, column, name) =>
    (await ask(`SELECT 1 FROM ${table} WHERE ${column} = '${name}'`)).length > 0;
  if (!(await isThere('pg_roles', 'rolname', programs))) await ask(`CREATE ROLE ${programs}`);
  const rights = `LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS ${mayCreate ? 'CREATEDB' : 'NOCREATEDB'}`;
  await ask(
    `SET password_encryption = 'scram-sha-256'; ALTER ROLE ${programs} ${rights} PASSWORD '${secrets.programs}'`,
  );
  if (!(await isThere('pg_database', 'datname', database))) await ask(`CREATE DATABASE ${database}`);
  await ask(
    `ALTER DATABASE ${database} OWNER TO ${superuser}; REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC`,
  );
  await ask(
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC, ${programs}; GRANT CONNECT ON DATABASE ${database} TO ${programs}`,
  );
  await ask(`ALTER SCHEMA public OWNER TO ${programs}`, database);
  await ask(giveAway, database);
}

/** Lets ordinary transactions write, or not. The program for leases may write all the same: it asks for it in its connection. */
export function writesOf(port, secrets) {
  const ask = (sql) => query({ ...admit(port, secrets), timeoutMs: 30_000 }, sql);
  return {
    refuseWrites: async () => {
      await ask('ALTER SYSTEM SET default_transaction_read_only = on');
      await ask('SELECT pg_reload_conf()');
      await ask('CHECKPOINT');
    },
    allowWrites: async () => {
      await ask('ALTER SYSTEM RESET default_transaction_read_only');
      await ask('SELECT pg_reload_conf()');
    },
    checkpoint: () => ask('CHECKPOINT'),
  };
}

/** How rows get from Postgres into the replica: all of them at the start, later those that changed. */
import { isClassName, type ClassName } from '@xenplane/model';
import { isOp, type Logged } from './events';
import type { Link } from '../transaction/link';
import { statement, type Statement } from '../transaction/statement';
import { sqlOf } from '../transaction/table-sql';
import { tables } from '../schema/tables';

/** The snapshot of one pull of the change log: every change that the pull before did not see. */
export interface LogPosition {
  /** Of Postgres: which transactions were still under way. */
  readonly snapshot: string;
  readonly logged: readonly Logged[];
}
export interface Fetched {
  readonly cls: ClassName;
  readonly asked: readonly string[];
  readonly rows: readonly unknown[][];
}

/**
 * Not `xid > the greatest seen`: numbers are given before the commit, so a smaller one may become visible later. What the
 * last snapshot saw it saw whole, and what it did not see is above its lower end.
 */
const lookSql =
  statement(`SELECT s.snapshot::text, c.xid, c.seq, c.cls, c.ref, c.op FROM (SELECT pg_current_snapshot() AS snapshot) s
  LEFT JOIN change c ON c.xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND NOT pg_visible_in_snapshot(c.xid, $1::text::pg_snapshot)`);

function loggedOf([, xid, seq, cls, ref, op]: readonly unknown[]): Logged[] {
  return typeof cls === 'string' && typeof ref === 'string' && isClassName(cls) && isOp(op)
    ? [{ xid: Number(xid), seq: Number(seq), cls, ref, op }]
    : [];
}

async function look(link: Link, since: string): Promise<LogPosition> {
  const { rows } = await link.arrays(lookSql, [since]);
  return { snapshot: String(rows[0]?.[0]), logged: rows.flatMap(loggedOf).sort((a, b) => a.seq - b.seq) };
}

const begin = statement('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
const commit = statement('COMMIT');
/**
 * Looks, and lets `take` fetch what was seen, at one moment: rows that are newer than the changes that lead to them would
 * be sent before the changes between.
 */
export async function pullRows(
  link: Link,
  since: string,
  take: (logged: readonly Logged[]) => Promise<void>,
): Promise<LogPosition> {
  const [, sight] = await Promise.all([link.arrays(begin), look(link, since)]);
  if (sight.logged.length > 0) await take(sight.logged);
  link.arrays(commit).catch(() => undefined); // of a connection that is lost; its owner sees that
  return sight;
}

/**
 * A number below which every transaction of this database has ended, as any later snapshot sees it; 0 if this account may
 * not know. Postgres' own lower end is the whole server's, and what other databases have under way is none of ours.
 */
export async function endedHere(link: Link): Promise<number> {
  const { rows } = await link.arrays(endedSql);
  const [xmax, running, hidden] = rows[0] ?? [];
  if (hidden !== 0 || !Array.isArray(running)) return 0;
  return running.reduce<number>(
    (least, xid) => Math.min(least, widened(Number(xid), Number(xmax))),
    Number(xmax),
  );
}
const endedSql =
  statement(`SELECT pg_snapshot_xmax(pg_current_snapshot()), coalesce(array_agg(backend_xid::text) FILTER (WHERE backend_xid IS NOT NULL), '{}'),
  (count(*) FILTER (WHERE query = '<insufficient privilege>' AND backend_type = 'client backend'))::int
  FROM pg_stat_get_activity(NULL) WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())`);
/** The numbers of connections have 32 bits; those under way are near the last. */
const widened = (xid: number, near: number): number => near + ((xid - near) | 0);

export async function fetchRows(link: Link, cls: ClassName, refs: readonly string[]): Promise<Fetched> {
  const { rows } = await link.arrays(sqlOf(cls).many, [refs]);
  return { cls, asked: refs, rows };
}

const rowsAtOnce = 500;
const run = (text: string): Statement => ({ text, name: undefined, announced: false });

/** All that a replica starts from, as it was at one moment. */
export interface Load {
  readonly snapshot: string;
  readonly logged: readonly Logged[];
  /** From this transaction on `logged` lacks nothing. */
  readonly start: number;
}

/** Reads every table and the end of the change log in one snapshot; `take` is given the rows piece by piece. */
export async function loadAll(
  link: Link,
  logSize: number,
  take: (cls: ClassName, rows: readonly unknown[][]) => void,
): Promise<Load> {
  await link.arrays(run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'));
  try {
    const { rows } = await link.arrays(
      run(
        `SELECT pg_current_snapshot()::text, coalesce((SELECT value #>> '{}' FROM setting WHERE key = 'change_floor'), '0')`,
      ),
    );
    const snapshot = String(rows[0]?.[0]),
      log = await loadLog(link, logSize);
    for (const { cls } of tables) await loadTable(link, cls, take);
    const start = log.cut ? (log.logged[0]?.xid ?? 0) + 1 : Number(rows[0]?.[1]);
    return { snapshot, logged: log.logged.filter((l) => l.xid >= start), start };
  } finally {
    await link.arrays(run('COMMIT'));
  }
}

async function loadTable(
  link: Link,
  cls: ClassName,
  take: (cls: ClassName, rows: readonly unknown[][]) => void,
): Promise<void> {
  await link.arrays(run(`DECLARE pieces NO SCROLL CURSOR FOR ${sqlOf(cls).all.text}`));
  for (;;) {
    const { rows } = await link.arrays(run(`FETCH ${rowsAtOnce} FROM pieces`));
    take(cls, rows);
    if (rows.length < rowsAtOnce) break;
  }
  await link.arrays(run('CLOSE pieces'));
}

async function loadLog(link: Link, size: number): Promise<{ logged: Logged[]; cut: boolean }> {
  const { rows } = await link.arrays(
    run(`SELECT NULL, xid, seq, cls, ref, op FROM change ORDER BY xid DESC, seq DESC LIMIT ${size}`),
  );
  return { logged: rows.flatMap(loggedOf).reverse(), cut: rows.length === size };
}

/** Many rows of one table changed at once, without the deadlocks of two writers that take rows in different orders. */
import { statement, type Statement } from './statement';
import type { TableSql } from './table-sql';
import { quote } from '../schema/tables';

export type Patch = Readonly<Record<string, unknown>> & { readonly ref: string };
export interface Batch {
  readonly sql: Statement;
  readonly values: readonly string[];
  readonly refs: readonly string[];
}

/** One statement for each set of fields; the usual case is one set. */
export function updateManySql(sql: TableSql, given: readonly Patch[]): Batch[] {
  const merged = new Map<string, Patch>();
  for (const patch of given) merged.set(patch.ref, { ...merged.get(patch.ref), ...patch });
  const patches = [...merged.values()],
    groups = new Map<string, Patch[]>();
  for (const patch of patches) {
    const fields = sql.table.columns
      .filter((c) => patch[c.name] !== undefined)
      .map((c) => c.name)
      .join();
    const group = groups.get(fields);
    if (group) group.push(patch);
    else if (fields !== '') groups.set(fields, [patch]);
  }
  const batches = [...groups].map(([fields, group]) => batchOf(sql, fields.split(','), group));
  return batches.length > 1 ? [lockAll(sql, patches), ...batches] : batches;
}

function batchOf(sql: TableSql, fields: readonly string[], patches: readonly Patch[]): Batch {
  const columns = sql.table.columns.filter((c) => fields.includes(c.name));
  const table = quote(sql.table.name),
    typed = columns.map((c) => `${quote(c.name)} ${c.type}`).join(', ');
  const text = `WITH given AS (SELECT * FROM json_to_recordset($1) AS r(ref text, ${typed})),
     locked AS (SELECT t.ref FROM ${table} t WHERE t.ref IN (SELECT ref FROM given) ORDER BY t.ref FOR NO KEY UPDATE)
     UPDATE ${table} t SET ${columns.map((c) => `${quote(c.name)} = g.${quote(c.name)}`).join(', ')}
     FROM given g JOIN locked l ON l.ref = g.ref WHERE t.ref = g.ref RETURNING t.ref`;
  const rows = patches.map(
    (p) =>
      `{"ref":${JSON.stringify(p.ref)},${columns.map((c) => `${JSON.stringify(c.name)}:${c.json(p[c.name])}`).join()}}`,
  );
  return { sql: statement(text), values: [`[${rows.join()}]`], refs: patches.map((p) => p.ref) };
}

/** Several statements follow: all their rows first, in the one order. */
function lockAll(sql: TableSql, patches: readonly Patch[]): Batch {
  const refs = [...new Set(patches.map((p) => p.ref))].sort();
  const text = `SELECT ref FROM ${quote(sql.table.name)} WHERE ref IN (SELECT json_array_elements_text($1)) ORDER BY ref FOR NO KEY UPDATE`;
  return { sql: statement(text), values: [JSON.stringify(refs)], refs };
}

/** SQL of the change log: the table, and the triggers that write into it at every change of every object. */
import { relationsFrom, type Relation } from './relations';
import { quote, type Table } from './tables';

/**
 * A change belongs to its transaction's number, `xid`; numbers are given when a transaction first writes, not when it
 * commits, so readers go by snapshots (see `position.ts`), never by the greatest number they have seen.
 */
export const changeTable = `CREATE TABLE change (
  seq bigserial NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  cls text NOT NULL,
  ref text NOT NULL,
  op char(1) NOT NULL CHECK (op IN ('a', 'm', 'd')),
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (xid, seq)
)`;

/** Pointing at an object, or no longer, changes the set that is computed there: xapi touches it too. OLD is null at an insert, NEW at a deletion. */
function touch({ field, many, to }: Relation): string {
  const was = `OLD.${quote(field)}`,
    is = `NEW.${quote(field)}`;
  const [differ, ends] = many
    ? [
        `coalesce(${was}, '{}') <> coalesce(${is}, '{}')`,
        `unnest(${was} || ${is}) r WHERE coalesce(r = ANY (${was}), false) <> coalesce(r = ANY (${is}), false)`,
      ]
    : [`${was} IS DISTINCT FROM ${is}`, `unnest(ARRAY[${was}, ${is}]) r WHERE r IS NOT NULL`];
  return `
  IF ${differ} THEN
    INSERT INTO change(cls, ref, op) SELECT '${to}', r, 'm' FROM ${ends};
  END IF;`;
}

/** The function and triggers of one table. An update that changes nothing is no change. */
export function triggersOf(table: Table): string[] {
  const name = `${table.name}_change`;
  return [
    `CREATE FUNCTION ${quote(name)}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO change(cls, ref, op)
    VALUES ('${table.cls}', coalesce(NEW.ref, OLD.ref), CASE TG_OP WHEN 'INSERT' THEN 'a' WHEN 'DELETE' THEN 'd' ELSE 'm' END);${relationsFrom(table.cls).map(touch).join('')}
  RETURN NULL;
END $$`,
    `CREATE TRIGGER ${quote(name)} AFTER INSERT OR DELETE ON ${quote(table.name)} FOR EACH ROW EXECUTE FUNCTION ${quote(name)}()`,
    `CREATE TRIGGER ${quote(`${name}d`)} AFTER UPDATE ON ${quote(table.name)} FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION ${quote(name)}()`,
  ];
}

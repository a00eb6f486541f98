/** The database as SQL, derived from the model. `npm run derive` prints it; a migration is what a person made of the difference. */
import { classNamed, storedClasses, type ClassName } from '@xenplane/model';
import { internalTables } from './internal-tables';
import { tables, type Column, type Table } from './tables';

/** References whose target must be there as long as they are: what they stand for means nothing without it. All others may outlive their target, as in xapi. */
const foreignKeys: readonly (readonly [cls: ClassName, field: string, target: ClassName])[] = [
  ['VBD', 'VM', 'VM'],
  ['VBD', 'VDI', 'VDI'],
  ['VIF', 'VM', 'VM'],
  ['VIF', 'network', 'network'],
  ['VDI', 'SR', 'SR'],
  ['PBD', 'host', 'host'],
  ['PBD', 'SR', 'SR'],
  ['PIF', 'host', 'host'],
  ['PIF', 'network', 'network'],
  ['console', 'VM', 'VM'],
  ['host_cpu', 'host', 'host'],
  ['VM', 'resident_on', 'host'],
  ['VM', 'metrics', 'VM_metrics'],
  ['VM', 'guest_metrics', 'VM_guest_metrics'],
  ['host', 'metrics', 'host_metrics'],
  ['PIF', 'metrics', 'PIF_metrics'],
];

const quoted = (name: string): string => `"${name}"`;

function createTable({ name, columns }: Table): string {
  const lines = columns.map((c) => `  ${quoted(c.name)} ${c.sql}${c.default === undefined ? '' : ` NOT NULL DEFAULT ${c.default}`}`);
  return `CREATE TABLE ${quoted(name)} (\n  ref text PRIMARY KEY,\n${lines.join(',\n')}\n);`;
}

/** Fields that the other end of a relation is computed from, with the class that has the computed field. */
export function relationFields(cls: ClassName): ReadonlyMap<string, readonly ClassName[]> {
  const found = new Map<string, ClassName[]>();
  for (const other of storedClasses)
    for (const field of Object.values(other.fields)) {
      const [source, name = ''] = (field.inverse ?? '').split('.');
      if (source === cls && name in classNamed(cls).fields) found.set(name, [...(found.get(name) ?? []), other.name as ClassName]);
    }
  return found;
}

function createIndexes({ cls, name, byName }: Table): string[] {
  const relation = [...relationFields(cls).keys()].filter((f) => byName.get(f)?.sql === 'text');
  const uuid = byName.has('uuid') ? [`CREATE UNIQUE INDEX ${quoted(`${name}_uuid_ix`)} ON ${quoted(name)}("uuid");`] : [];
  const label = byName.has('name_label') ? [`CREATE INDEX ${quoted(`${name}_label_ix`)} ON ${quoted(name)}("name_label");`] : [];
  return [...uuid, ...label, ...relation.map((f) => `CREATE INDEX ${quoted(`${name}_${f.toLowerCase()}_ix`)} ON ${quoted(name)}(${quoted(f)});`)];
}

const addForeignKey = ([cls, field, target]: (typeof foreignKeys)[number]): string =>
  `ALTER TABLE ${quoted(cls.toLowerCase())} ADD CONSTRAINT ${quoted(`${cls.toLowerCase()}_${field.toLowerCase()}_fk`)} FOREIGN KEY (${quoted(field)}) REFERENCES ${quoted(target.toLowerCase())}(ref) DEFERRABLE INITIALLY DEFERRED;`;

/** xapi counts an object as changed when one of its computed sets changes: the other end is touched when a reference comes or goes. */
function touchParents(column: Column, parents: readonly ClassName[]): string[] {
  const field = quoted(column.name);
  return parents.map((parent) =>
    column.sql === 'text'
      ? `  IF TG_OP = 'DELETE' THEN IF OLD.${field} IS NOT NULL THEN INSERT INTO change(cls, ref, op) VALUES ('${parent}', OLD.${field}, 'm'); END IF;
  ELSIF TG_OP = 'INSERT' THEN IF NEW.${field} IS NOT NULL THEN INSERT INTO change(cls, ref, op) VALUES ('${parent}', NEW.${field}, 'm'); END IF;
  ELSIF NEW.${field} IS DISTINCT FROM OLD.${field} THEN
    INSERT INTO change(cls, ref, op) SELECT '${parent}', p, 'm' FROM unnest(ARRAY[OLD.${field}, NEW.${field}]) AS p WHERE p IS NOT NULL;
  END IF;`
      : `  IF TG_OP = 'INSERT' OR TG_OP = 'DELETE' OR NEW.${field} IS DISTINCT FROM OLD.${field} THEN
    INSERT INTO change(cls, ref, op) SELECT DISTINCT '${parent}', p, 'm' FROM unnest(coalesce(CASE WHEN TG_OP <> 'INSERT' THEN OLD.${field} END, '{}') || coalesce(CASE WHEN TG_OP <> 'DELETE' THEN NEW.${field} END, '{}')) AS p;
  END IF;`,
  );
}

function createTriggers({ cls, name, byName }: Table): string[] {
  if (cls === 'session') return [];
  const touches = [...relationFields(cls)].flatMap(([field, parents]) => {
    const column = byName.get(field);
    return column ? touchParents(column, parents) : [];
  });
  const fn = quoted(`${name}_changed`);
  return [
    `CREATE FUNCTION ${fn}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN INSERT INTO change(cls, ref, op) VALUES ('${cls}', NEW.ref, 'a');
  ELSIF TG_OP = 'DELETE' THEN INSERT INTO change(cls, ref, op) VALUES ('${cls}', OLD.ref, 'd');
  ELSE INSERT INTO change(cls, ref, op) VALUES ('${cls}', NEW.ref, 'm'); END IF;
${touches.join('\n')}
  RETURN NULL;
END $$;`,
    `CREATE TRIGGER ${quoted(`${name}_born`)} AFTER INSERT OR DELETE ON ${quoted(name)} FOR EACH ROW EXECUTE FUNCTION ${fn}();`,
    `CREATE TRIGGER ${quoted(`${name}_moved`)} AFTER UPDATE ON ${quoted(name)} FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION ${fn}();`,
  ];
}

/** Every statement that makes an empty database the one that the model describes. */
export function schema(): string[] {
  const all = [...tables.values()];
  return [...all.map(createTable), ...all.flatMap(createIndexes), ...foreignKeys.map(addForeignKey), internalTables.trim(), ...all.flatMap(createTriggers)];
}

/** The tables of xe: what they call is in the model, and nobody has changed a name by the way. */
import { createHash } from 'node:crypto';
import { commandFacts, tables } from '@xenplane/client';
import { messages } from '@xenplane/model';

const fields = Object.entries(tables).flatMap(([cli, table]) =>
  table.fields.map((field) => ({ cli, table, field })),
);
const writes = {
  set: 'set',
  addTo: 'add_to',
  removeFrom: 'remove_from',
  add: 'add',
  remove: 'remove',
} as const;
const ways: Readonly<Record<string, readonly (keyof typeof writes)[]>> = {
  '': ['set'],
  S: ['add', 'remove'],
  M: ['addTo', 'removeFrom'],
};

test('every command calls what there is', () => {
  const unknown = Object.entries(commandFacts).flatMap(([name, { calls }]) =>
    calls.filter((call) => !messages.has(call)).map((call) => `${name}: ${call}`),
  );
  expect(unknown).toEqual([]);
});

test('every field that can be written is written by calls that there are', () => {
  const unknown = fields.flatMap(({ cli, field: [name, api, access, notes = {}] }) => {
    const given = ([...Object.keys(writes), 'setIn', 'setMap', 'clear', 'calls'] as const).map(
      (key) => notes[key as keyof typeof notes],
    );
    const implied = (ways[/^[SM]/.exec(access)?.[0] ?? ''] ?? [])
      .filter(
        (way) =>
          access.endsWith('RW') && notes[way] === undefined && (notes.setIn ?? notes.setMap) === undefined,
      )
      .map((way) => api.replace('.', `.${writes[way]}_`));
    return [...given, ...implied]
      .filter((call) => typeof call === 'string' && !messages.has(call))
      .map((call) => `${cli} ${name}: ${String(call)}`);
  });
  expect(unknown).toEqual([]);
});

test('a set that is written as a whole takes a set', () => {
  const wrong = fields.flatMap(({ cli, field: [name, , access, notes] }) => {
    const type = messages.get(notes?.set ?? '')?.params[1]?.type;
    return access.startsWith('S') && type !== undefined && type.kind !== 'set' ? [`${cli} ${name}`] : [];
  });
  expect(wrong).toEqual([]);
});

test('names, parameters, flags and accesses are those of xapi: whoever changes one says so here', () => {
  const commands = Object.entries(commandFacts).map(([name, c]) => [
    name,
    c.required,
    c.optional,
    c.selects,
    c.standard,
    c.hidden,
    c.local,
    c.deprecated,
  ]);
  const classes = Object.entries(tables).map(([cli, { cls, list, filters, commands: own, fields: all }]) => {
    const shown = all.map(([name, , access, notes]) => [
      name,
      access,
      notes?.hidden,
      notes?.deprecated,
      notes?.expensive,
      notes?.anyCase,
      notes?.printed,
    ]);
    return [cli, cls, list, filters, own, shown];
  });
  const digest = createHash('sha256')
    .update(JSON.stringify([commands, classes]))
    .digest('hex');
  expect([commands.length, classes.length, fields.length, digest.slice(0, 16)]).toEqual([
    387,
    55,
    989,
    'b0608c6f1c936322',
  ]);
});

/** Access and events: subjects, sessions, secrets, messages, tasks, events. */
import { nullRefText } from '@xenplane/model';
import { flagged, listed, Misuse, optional, required, type Arguments } from '../arguments';
import { given } from '../filters';
import { Objects, tableNamed, type Shown } from '../objects';
import { make, perform, row, type Command } from '../row';
import type { ClassTable } from '../tables/fields';

/** Found in the directory by its name, then known to the pool with what the directory says of it. */
const subjectAdd: Command = async (args, around) => {
  const { api } = around.objects;
  const identifier = await api.call<string>('auth.get_subject_identifier', required(args, 'subject-name'));
  const other_config = await api.call('auth.get_subject_information_from_identifier', identifier);
  around.printer.list([
    await around.objects.uuidOf(
      'subject',
      String(await perform(around, 'subject.create', { subject_identifier: identifier, other_config })),
    ),
  ]);
};
const subjectRole =
  (method: string): Command =>
  async (args, around) => {
    const { objects } = around;
    const name = optional(args, 'role-name'),
      uuid = optional(args, 'role-uuid');
    if (name === undefined && uuid === undefined)
      throw new Misuse('Required parameter not found: role-uuid or role-name');
    if (name !== undefined && uuid !== undefined)
      throw new Misuse('Parameters role-uuid and role-name cannot be used together');
    const [role = nullRefText] =
      name === undefined
        ? [await objects.byUuid('role', uuid ?? '')]
        : await objects.api.call<string[]>('role.get_by_name_label', name);
    await perform(around, method, await objects.byUuid('subject', required(args, 'uuid')), role);
  };
const logOutAll: Command = async (_args, { objects: { api } }) => {
  for (const identifier of await api.call<string[]>('session.get_all_subject_identifiers'))
    await api.call('session.logout_subject_identifier', identifier);
};
const identifiers: Command = async (_args, { objects: { api }, printer }) => {
  const all = await api.call<string[]>('session.get_all_subject_identifiers');
  printer.table(all.map((value) => [{ name: 'subject-identifier', access: 'RO', value }]));
};

const objectClasses = [
  ['vm-uuid', 'VM'],
  ['pool-uuid', 'Pool'],
  ['sr-uuid', 'SR'],
  ['host-uuid', 'Host'],
] as const;
const messageCreate: Command = async (args, around) => {
  const priority = required(args, 'priority');
  if (!/^-?\d+$/.test(priority)) throw new Misuse('Priority field should be an integer');
  const about = objectClasses.find(([name]) => optional(args, name) !== undefined);
  if (!about) throw new Misuse('Need one of: vm-uuid, host-uuid, sr-uuid or pool-uuid');
  await perform(
    around,
    'message.create',
    required(args, 'name'),
    Number(priority),
    about[1],
    required(args, about[0]),
    required(args, 'body'),
  );
};
const messageDestroy: Command = async (args, around) => {
  const uuid = optional(args, 'uuid'),
    uuids = optional(args, 'uuids');
  if (uuid === undefined && uuids === undefined) throw new Misuse('Need one of uuid, uuids');
  if (uuid !== undefined && uuids !== undefined)
    throw new Misuse('Ambiguous arguments; need one of uuid, uuids');
  const all = uuid === undefined ? listed(args, 'uuids') : [uuid];
  await perform(
    around,
    'message.destroy_many',
    await Promise.all(all.map((u) => around.objects.byUuid('message', u))),
  );
};
const time = /^\d{4}-?\d\d-?\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/;
const example = '(expected RFC3339, for example, 2025-01-01T00:00:00Z)';
const messageFilters: Readonly<Record<string, { readonly fits: RegExp; readonly otherwise: string }>> = {
  before: { fits: time, otherwise: `invalid timestamp format for 'before' ${example}` },
  after: { fits: time, otherwise: `Invalid timestamp format for 'after' ${example}` },
  priority: { fits: /^\d+$/, otherwise: 'Invalid priority format (expected positive integer)' },
};
const messageDestroyAll: Command = async (args, around) => {
  const filters = Object.entries(messageFilters).flatMap(([name, { fits, otherwise }]) => {
    const text = optional(args, name);
    if (text !== undefined && !fits.test(text)) throw new Misuse(otherwise);
    return text === undefined ? [] : [[name, text]];
  });
  await perform(around, 'message.destroy_all', Object.fromEntries(filters));
};

const blobOwners = [
  ['vm-uuid', 'VM'],
  ['pool-uuid', 'pool'],
  ['sr-uuid', 'SR'],
  ['host-uuid', 'host'],
  ['network-uuid', 'network'],
] as const;
const blobCreate: Command = async (args, around) => {
  const owner = blobOwners.find(([name]) => optional(args, name) !== undefined);
  if (!owner) throw new Misuse('Need one of: vm-uuid, host-uuid, network-uuid, sr-uuid or pool-uuid');
  const ref = await around.objects.byUuid(owner[1], required(args, owner[0]));
  const made = await perform(
    around,
    `${owner[1]}.create_new_blob`,
    ref,
    required(args, 'name'),
    optional(args, 'mime-type') ?? '',
    flagged(args, 'public'),
  );
  around.printer.list([await around.objects.uuidOf('blob', String(made))]);
};

/** Without the old password only root may. */
const password: Command = async (args, around) =>
  void (await perform(around, 'session.change_password', optional(args, 'old') ?? '', required(args, 'new')));

interface Batch {
  readonly token: string;
  readonly events: readonly {
    readonly class: string;
    readonly ref: string;
    readonly snapshot?: Readonly<Record<string, unknown>>;
  }[];
}
const watched = new Set([
  ...[
    'vm',
    'vdi',
    'sr',
    'host',
    'network',
    'vif',
    'pif',
    'vbd',
    'pbd',
    'pool',
    'task',
    'subject',
    'role',
    'secret',
    'vmss',
  ],
]);
/** Waits until an object of the class has the values that are asked for; `/=` stands for what it must not be. */
const eventWait: Command = async (args, { objects: { api } }) => {
  const cls = required(args, 'class');
  if (!watched.has(cls)) throw new Misuse(`Cli listening for class '${cls}' not currently implemented`);
  const table = tableNamed(cls);
  const wanted = given(args, ['class']);
  const own = table.cls.toLowerCase();
  const classes = [own, ...sourcesOf(table, wanted)];
  for (let token = ''; ;) {
    const batch = await api.call<Batch>('event.from', classes, token, 30);
    token = batch.token;
    // The state of other objects is read anew each time.
    const objects = new Objects(api);
    const changed = batch.events.flatMap(({ class: of, ref, snapshot }) =>
      of === own && snapshot ? [{ ref, record: snapshot }] : [],
    );
    const shown = batch.events.some((event) => event.class !== own) ? await objects.list(table) : changed;
    for (const one of shown) if (await allHold(objects, table, one, wanted)) return;
  }
};
/** The classes besides its own of which an object shows fields, as a VM does of its guest metrics: they change without an event of the object. */
function sourcesOf(table: ClassTable, wanted: Arguments['pairs']): string[] {
  const fields = wanted.flatMap(([name]) => table.fields.filter(([n]) => n === name));
  const classes = fields.flatMap(([, source]) =>
    typeof source === 'string' && source.includes('.') ? [(source.split('.')[0] ?? '').toLowerCase()] : [],
  );
  return [...new Set(classes)].filter((cls) => cls !== table.cls.toLowerCase());
}
async function allHold(
  objects: Objects,
  table: ClassTable,
  shown: Shown,
  wanted: Arguments['pairs'],
): Promise<boolean> {
  const holding = wanted.map(async ([name, value]) => {
    const not = value.startsWith('/='),
      field = table.fields.find(([n]) => n === name);
    if (!field) throw new Misuse(`key missing: ${name}`);
    return ((await objects.text(field, shown, table)) === (not ? value.slice(2) : value)) !== not;
  });
  return (await Promise.all(holding)).every(Boolean);
}

export const accessCommands: Readonly<Record<string, Command>> = {
  'subject-add': subjectAdd,
  'subject-remove': row('subject.destroy', 'subject-uuid'),
  'subject-role-add': subjectRole('subject.add_to_roles'),
  'subject-role-remove': subjectRole('subject.remove_from_roles'),
  'session-subject-identifier-list': identifiers,
  'session-subject-identifier-logout': row('session.logout_subject_identifier', 'subject-identifier'),
  'session-subject-identifier-logout-all': logOutAll,
  'secret-create': make('secret', { value: 'value', other_config: 'other-config:' }),
  'secret-destroy': row('secret.destroy', 'uuid'),
  'message-create': messageCreate,
  'message-destroy': messageDestroy,
  'message-destroy-all': messageDestroyAll,
  'blob-create': blobCreate,
  'user-password-change': password,
  'task-cancel': row('task.cancel', 'uuid'),
  'event-wait': eventWait,
};

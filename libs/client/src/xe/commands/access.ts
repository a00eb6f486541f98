/** Who may do what, and what happens: subjects, sessions, secrets, messages, tasks, events. */
import { Misuse, optional, required, type Arguments } from '../arguments';
import { tableNamed, type Shown } from '../objects';
import { make, perform, row, type Command } from '../row';
import type { ClassTable } from '../tables/fields';
import type { Surroundings } from '../terminal';

/** Found in the directory by its name, then known to the pool with what the directory says of it. */
const subjectAdd: Command = async (args, around) => {
  const { api } = around.objects;
  const identifier = await api.call<string>('auth.get_subject_identifier', required(args, 'subject-name'));
  const other_config = await api.call('auth.get_subject_information_from_identifier', identifier);
  around.terminal.print(
    await around.objects.uuidOf('subject', String(await perform(around, 'subject.create', { subject_identifier: identifier, other_config }))),
  );
};
const subjectRole =
  (method: string): Command =>
  async (args, around) => {
    const { objects } = around;
    const name = optional(args, 'role-name'),
      uuid = optional(args, 'role-uuid');
    if ((name === undefined) === (uuid === undefined)) throw new Misuse('Either role-name or role-uuid must be given');
    const [role] = name === undefined ? [await objects.byUuid('role', uuid ?? '')] : await objects.api.call<string[]>('role.get_by_name_label', name);
    if (role === undefined) throw new Misuse(`Role ${name} not found`);
    await perform(around, method, await objects.byUuid('subject', required(args, 'uuid')), role);
  };
const logOutAll: Command = async (_args, { objects: { api } }) => {
  for (const identifier of await api.call<string[]>('session.get_all_subject_identifiers')) await api.call('session.logout_subject_identifier', identifier);
};
const identifiers: Command = async (_args, { objects: { api }, terminal, minimal }) => {
  const all = await api.call<string[]>('session.get_all_subject_identifiers');
  if (minimal) return terminal.print(all.join(','));
  for (const identifier of all) terminal.print(`subject-identifier ( RO): ${identifier}\n`);
};

const objectClasses = [
  ['vm-uuid', 'VM'],
  ['host-uuid', 'Host'],
  ['sr-uuid', 'SR'],
  ['pool-uuid', 'Pool'],
] as const;
const messageCreate: Command = async (args, around) => {
  const about = objectClasses.filter(([name]) => optional(args, name) !== undefined);
  const [first, second] = about;
  if (!first || second) throw new Misuse('Need exactly one of: vm-uuid, host-uuid, sr-uuid or pool-uuid');
  const priority = Number(required(args, 'priority'));
  await perform(around, 'message.create', required(args, 'name'), priority, first[1], required(args, first[0]), required(args, 'body'));
};
const messageDestroy: Command = async (args, around) => {
  const uuids = [optional(args, 'uuid'), ...(optional(args, 'uuids')?.split(',') ?? [])].filter((u): u is string => u !== undefined && u !== '');
  if (uuids.length === 0) throw new Misuse('Required parameter not found: uuid');
  await perform(around, 'message.destroy_many', await Promise.all(uuids.map((uuid) => around.objects.byUuid('message', uuid))));
};
const messageDestroyAll: Command = async (args, around) => {
  const filters = ['before', 'after', 'priority'].flatMap((name) => (optional(args, name) === undefined ? [] : [[name, optional(args, name) ?? '']]));
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
    optional(args, 'public') === 'true',
  );
  around.terminal.print(await around.objects.uuidOf('blob', String(made)));
};

/** Without the old password only root may. */
const password: Command = async (args, around) => void (await perform(around, 'session.change_password', optional(args, 'old') ?? '', required(args, 'new')));

interface Batch {
  readonly token: string;
  readonly events: readonly { readonly ref: string; readonly snapshot?: Readonly<Record<string, unknown>> }[];
}
/** Waits until an object of the class has the values that are asked for; `/=` stands for what it must not be. */
const eventWait: Command = async (args, around) => {
  const { objects } = around;
  const table = tableNamed(required(args, 'class'));
  const wanted = args.pairs.filter(([n]) => n !== 'class');
  for (let token = ''; ;) {
    const batch = await objects.api.call<Batch>('event.from', [table.cls.toLowerCase()], token, 30);
    token = batch.token;
    for (const { ref, snapshot } of batch.events) if (snapshot && (await allHold(around, table, { ref, record: snapshot }, wanted))) return;
  }
};
async function allHold({ objects }: Surroundings, table: ClassTable, shown: Shown, wanted: Arguments['pairs']): Promise<boolean> {
  for (const [name, value] of wanted) {
    const not = value.startsWith('/='),
      field = table.fields.find(([n]) => n === name);
    if (!field) throw new Misuse(`Unknown field '${name}'`);
    if (((await objects.text(field, shown, table)) === (not ? value.slice(2) : value)) === not) return false;
  }
  return true;
}

export const accessCommands: Readonly<Record<string, Command>> = {
  'subject-add': subjectAdd,
  'subject-remove': row('subject.destroy', 'subject-uuid'),
  'subject-role-add': subjectRole('subject.add_to_roles'),
  'subject-role-remove': subjectRole('subject.remove_from_roles'),
  'session-subject-identifier-list': identifiers,
  'session-subject-identifier-logout': row('session.logout_subject_identifier', 'subject-identifier'),
  'session-subject-identifier-logout-all': logOutAll,
  'secret-create': make('secret', { value: 'value', other_config: { is: {} } }),
  'secret-destroy': row('secret.destroy', 'uuid'),
  'message-create': messageCreate,
  'message-destroy': messageDestroy,
  'message-destroy-all': messageDestroyAll,
  'blob-create': blobCreate,
  'user-password-change': password,
  'task-cancel': row('task.cancel', 'uuid'),
  'event-wait': eventWait,
};

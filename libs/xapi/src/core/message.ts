/** Alerts about objects; a class of its own kind: kept, listed and sent as events, with no getters for single fields. */
import {
  asRef,
  classes,
  XenError,
  type AnyRecord,
  type CallsOf,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import { evaluate, parseFilter } from '@xenplane/wire';
import type { Tx } from '@xenplane/store';
import { raiseAlert, type Alert } from './alerts';
import type { Context, Plane } from './context';

type Message = StoredRecord<'message'>;
type Row = Message & { readonly ref: Ref<'message'> };
const tableOf: Readonly<Record<string, string>> = {
  VM: 'vm',
  Host: 'host',
  SR: 'sr',
  Pool: 'pool',
  VMPP: 'vmpp',
  VMSS: 'vmss',
  PVS_proxy: 'pvs_proxy',
  VDI: 'vdi',
  Certificate: 'certificate',
};

/** UUID_INVALID when there is no such object. */
export async function objectOfMessages(
  tx: Tx,
  { cls, obj_uuid }: { readonly cls: string; readonly obj_uuid: string },
): Promise<Message['cls']> {
  const known = isAlertClass(cls)
    ? await tx.query(`SELECT 1 AS yes FROM "${tableOf[cls]}" WHERE uuid = $1`, [obj_uuid])
    : [];
  if (!isAlertClass(cls) || known.length === 0) throw new XenError('UUID_INVALID', cls, obj_uuid);
  return cls;
}
const isAlertClass = (cls: string): cls is Message['cls'] => Object.hasOwn(tableOf, cls);
const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function create({ tx, plane }: Context, given: Alert): Promise<Ref<'message'>> {
  await objectOfMessages(tx, given);
  return raiseAlert(tx, plane, given);
}

export type ImportedMessage = Pick<Message, 'uuid' | 'name' | 'priority' | 'timestamp' | 'body'>;
/** Alerts from elsewhere, with the moments at which they were raised; one that is here already stays as it is. */
export async function insertMessages(
  tx: Tx,
  plane: Plane,
  about: { readonly cls: string; readonly obj_uuid: string },
  messages: readonly ImportedMessage[],
): Promise<void> {
  const cls = await objectOfMessages(tx, about);
  const here = new Set(
    (
      await tx.query<{ uuid: string }>('SELECT uuid FROM message WHERE uuid = ANY($1)', [
        messages.map((m) => m.uuid),
      ])
    ).map((m) => m.uuid),
  );
  for (const message of messages) {
    const uuid = uuidForm.test(message.uuid) ? message.uuid : plane.ids.uuid();
    if (here.has(uuid)) continue;
    here.add(uuid);
    await tx.insert('message', asRef<'message'>(`OpaqueRef:${uuid}`), {
      ...message,
      uuid,
      cls,
      obj_uuid: about.obj_uuid,
    });
  }
}

const asRecord = ({ ref: _ref, ...record }: Row): AnyRecord => record;
const asMap = (rows: readonly Row[]): Record<string, AnyRecord> =>
  Object.fromEntries(rows.map((row) => [row.ref, asRecord(row)]));
const newestFirst = (rows: readonly Row[]): Row[] =>
  [...rows].sort((a, b) => b.timestamp.localeCompare(a.timestamp));
const all = async (tx: Tx): Promise<Row[]> => newestFirst(await tx.find('message', {}));

const whole = /^\d{1,3}$/,
  moment = /^\d{8}T\d\d:\d\d:\d\dZ$/;
/** The fields of a filter: the form of each value, and what it then requires of a message. */
const conditions: Readonly<Record<string, { readonly fits: RegExp; readonly sql: string }>> = {
  priority: { fits: whole, sql: 'priority = $n::bigint' },
  before: { fits: moment, sql: '"timestamp" < $n::timestamptz' },
  after: { fits: moment, sql: '"timestamp" > $n::timestamptz' },
  cls: { fits: /^[A-Za-z_]+$/, sql: 'cls = $n' },
  obj_uuid: { fits: /^[0-9a-f-]{36}$/, sql: 'obj_uuid = $n' },
  name: { fits: /^[A-Za-z0-9_-]+$/, sql: 'name = $n' },
};

async function destroyAll(tx: Tx, filters: Readonly<Record<string, string>>): Promise<void> {
  const parts = Object.entries(filters).map(([key, value], i) => {
    const condition = conditions[key];
    if (!condition?.fits.test(value)) throw new XenError('INVALID_VALUE', key, value);
    return condition.sql.replace('$n', `$${i + 1}`);
  });
  await tx.query(
    `DELETE FROM message ${parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`}`,
    Object.values(filters),
  );
}

export const messageCalls: CallsOf<typeof classes.message, Context> = {
  create,
  destroy: ({ tx }, { self }) => tx.remove('message', self),
  destroy_many: async ({ tx }, { messages }) => {
    for (const message of messages) await tx.remove('message', message);
  },
  destroy_all: ({ tx }, { filters }) => destroyAll(tx, filters),
  get: async ({ tx }, { cls, obj_uuid, since }) =>
    asMap(newestFirst(await tx.find('message', { cls, obj_uuid })).filter((m) => m.timestamp >= since)),
  get_all: async ({ tx }) => (await all(tx)).map((m) => m.ref),
  get_since: async ({ tx }, { since }) => asMap((await all(tx)).filter((m) => m.timestamp >= since)),
  get_record: async ({ tx }, { self }) => asRecord(await tx.get('message', self)),
  get_by_uuid: async ({ tx }, { uuid }) => {
    const [message] = await tx.find('message', { uuid });
    if (!message) throw new XenError('UUID_INVALID', 'message', uuid);
    return message.ref;
  },
  get_all_records: async ({ tx }) => asMap(await all(tx)),
  get_all_records_where: async ({ tx }, { expr }) => {
    const filter = parseFilter(expr);
    return asMap((await all(tx)).filter((m) => evaluate(filter, (name) => asRecord(m)[name])));
  },
};

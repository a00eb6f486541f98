/** A directory behind LDAP. The control plane is no member of it: it looks people up with an account of its own, and binds as them to see whether a password is right. */
import type { Clock, Ids } from '../../core/context';
import { longestPassword } from '../passwords';
import { DirectoryTrouble, type Directory, type Entry } from '../directory';
import { converse, type Conversation, type Found } from './conversation';
import type { Filter } from './filters';
import type { Schema } from './schema';
import { schemas, type SchemaName } from './schemas';
import type { Server } from './server';

/** The stored settings of the join. */
export interface Settings {
  readonly url: string;
  readonly base: string;
  readonly schema: SchemaName;
  readonly service: string;
  readonly workgroup: string;
  /** The account that searches the directory. */
  readonly account: string;
}
export interface Access extends Settings {
  readonly server: Server;
  readonly password: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: Ids;
}

const mostGroups = 1000;
const deepest = 32;
/** So many groups are asked about in one question. */
const atOnce = 50;

export function ldapDirectory(access: Access): Directory {
  const schema: Schema = schemas[access.schema];
  const asService = <T>(work: (conversation: Conversation) => Promise<T>): Promise<T> =>
    converse(access.server, async (conversation) => {
      if (!(await conversation.bind(access.account, access.password)))
        throw new DirectoryTrouble(
          'denied',
          `${access.url} does not know ${access.account} by its password any more`,
        );
      return work(conversation);
    });
  const search = (conversation: Conversation, filter: Filter, most: number): Promise<Found[]> =>
    conversation.search({ base: access.base, filter, attributes: schema.attributes, most });
  /** None when there are several: nobody could say who is meant. */
  const one = async (conversation: Conversation, filter: Filter | undefined): Promise<Found | undefined> => {
    const found = filter === undefined ? [] : await search(conversation, filter, 2);
    return found.length === 1 ? found[0] : undefined;
  };
  const shown = (found: Found | undefined): Entry | undefined =>
    found && schema.entry(found, { ...access, now: access.clock.now() });

  return {
    authenticate: async (name, password) => {
      if (password === '' || Buffer.byteLength(password) > longestPassword) return undefined;
      const user = await asService((c) => one(c, schema.users(name, access)));
      // For a name that nobody has the same is asked, so that it takes as long.
      const right = await converse(access.server, (c) =>
        c.bind(user?.dn ?? `cn=${access.ids.uuid()},${access.base}`, password),
      );
      return right ? shown(user) : undefined;
    },
    named: (name) =>
      asService(async (c) =>
        shown((await one(c, schema.users(name, access))) ?? (await one(c, schema.groups(name, access)))),
      ),
    identified: (identifier) => asService(async (c) => shown(await one(c, schema.identified(identifier)))),
    groupsOf: (identifier) =>
      asService(async (c) => {
        const member = await one(c, schema.identified(identifier));
        const groups = member
          ? await groupsAbove(member, (members) => search(c, schema.groupsOf(members), mostGroups))
          : [];
        return groups.flatMap((g) => shown(g)?.identifier ?? []).sort();
      }),
  };
}

/** Level by level, as servers differ in whether and how they follow groups in groups by themselves. */
async function groupsAbove(
  member: Found,
  groupsOf: (members: readonly Found[]) => Promise<Found[]>,
): Promise<Found[]> {
  const known = new Map<string, Found>();
  let level = [member];
  for (let depth = 0; depth < deepest && level.length > 0 && known.size < mostGroups; depth += 1) {
    const next: Found[] = [];
    for (let at = 0; at < level.length; at += atOnce)
      next.push(...(await groupsOf(level.slice(at, at + atOnce))));
    level = next.filter(({ dn }) => !known.has(dn.toLowerCase()));
    for (const group of level) known.set(group.dn.toLowerCase(), group);
  }
  return [...known.values()];
}

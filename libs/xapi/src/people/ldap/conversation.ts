/** A conversation with a directory over one connection: bind, and searches. Bounded in time, in bytes and in results. */
import type { TLSSocket } from 'node:tls';
import {
  Client,
  InvalidCredentialsError,
  InappropriateAuthError,
  NoSuchObjectError,
  ResultCodeError,
  UnwillingToPerformError,
  type Entry,
} from 'ldapts';
import { XenError } from '@xenplane/model';
import { ConcurrencyLimit } from '../../core/concurrency-limit';
import { DirectoryTrouble } from '../directory';
import { has, type Filter } from './filters';
import { openServer, type Server } from './server';

const conversationMs = 20_000;
const answerMs = 10_000;
const mostBytes = 8 * 2 ** 20;
/** Directories have better things to do, and so have we. */
const gate = new ConcurrencyLimit(8);

/** An object of the directory. Names of attributes are written in any case, as servers do. */
export class Found {
  readonly dn: string;
  private readonly values: ReadonlyMap<string, readonly (string | Buffer)[]>;

  constructor({ dn, ...attributes }: Entry) {
    this.dn = dn;
    this.values = new Map(
      Object.entries(attributes).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value : [value],
      ]),
    );
  }
  texts(name: string): readonly string[] {
    return (this.values.get(name.toLowerCase()) ?? []).map(String);
  }
  text(name: string): string {
    return this.texts(name)[0] ?? '';
  }
  bytes(name: string): Buffer | undefined {
    const [value] = this.values.get(name.toLowerCase()) ?? [];
    return value === undefined ? undefined : Buffer.from(value);
  }
  is(objectClass: string): boolean {
    return this.texts('objectClass').some((c) => c.toLowerCase() === objectClass.toLowerCase());
  }
}

export interface Question {
  readonly base: string;
  readonly filter: Filter;
  readonly attributes: readonly string[];
  /** All below the base unless it is only about that itself. */
  readonly itself?: boolean;
  readonly most: number;
}

export class Conversation {
  constructor(private readonly client: Client) {}

  /** True if the password is right. An empty one is accepted by some servers without proof, and refused here. */
  async bind(name: string, password: string): Promise<boolean> {
    if (password === '') return false;
    try {
      await this.client.bind(name, password);
      return true;
    } catch (error) {
      if (notWelcome.some((kind) => error instanceof kind)) return false;
      throw error;
    }
  }

  /** The entries found, at most so many; referrals to other servers are not followed. */
  async search({ base, filter, attributes, itself = false, most }: Question): Promise<Found[]> {
    const { searchEntries } = await this.client.search(base, {
      scope: itself ? 'base' : 'sub',
      filter,
      attributes: [...attributes],
      explicitBufferAttributes: ['objectSid'],
      sizeLimit: most,
      timeLimit: answerMs / 1000,
      derefAliases: 'never',
    });
    return searchEntries.slice(0, most).map((entry) => new Found(entry));
  }

  /** The object itself; undefined when there is none that may be seen. */
  async look(dn: string, attributes: readonly string[]): Promise<Found | undefined> {
    try {
      return (
        await this.search({ base: dn, filter: has('objectClass'), attributes, itself: true, most: 1 })
      )[0];
    } catch (error) {
      if (error instanceof NoSuchObjectError) return undefined;
      throw error;
    }
  }
}
/** How servers say no to a password; the last two of an account that has none, or that is locked. */
const notWelcome = [
  InvalidCredentialsError,
  NoSuchObjectError,
  InappropriateAuthError,
  UnwillingToPerformError,
];

export const converse = <T>(server: Server, work: (conversation: Conversation) => Promise<T>): Promise<T> =>
  gate.through(async () => {
    const socket = await openServer(server, AbortSignal.timeout(conversationMs));
    const client = clientOn(socket);
    try {
      return await work(new Conversation(client));
    } catch (error) {
      if (error instanceof ResultCodeError || error instanceof XenError || error instanceof DirectoryTrouble)
        throw error;
      throw new DirectoryTrouble('unreachable', `${server.url} went away`, error);
    } finally {
      await client.unbind().catch(() => undefined);
      socket.destroy();
    }
  });

/** The library would connect again by itself, unencrypted and as nobody; it is given one connection and no more. */
function clientOn(socket: TLSSocket): Client {
  let bytes = 0;
  socket.on('data', (piece: Buffer) => (bytes += piece.length) > mostBytes && socket.destroy());
  const given = [socket];
  const createConnection = (): TLSSocket => {
    const one = given.pop();
    if (!one) throw new Error('the connection was closed');
    return one;
  };
  return new Client({ url: 'ldap://given', timeout: answerMs, strictDN: false, createConnection });
}

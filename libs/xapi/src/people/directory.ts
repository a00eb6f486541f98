/** Where people are known who are no local users of the control plane. What serves it (a table, LDAP) is behind this interface. */
import { isErrorCode, XenError, type ErrorCode } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Plane } from '../core/context';

/** A user or a group. */
export interface Entry {
  /** Stable and opaque, such as a SID. */
  readonly identifier: string;
  readonly name: string;
  readonly isGroup: boolean;
  /** Facts under the keys that clients know: `subject-name`, `subject-is-group`, `subject-account-disabled` and so on. */
  readonly known: Readonly<Record<string, string>>;
}
/** Failures of a directory on the network that are not about a name or password. */
export type Trouble = 'unknown' | 'unreachable' | 'untrusted' | 'denied';
export class DirectoryTrouble extends Error {
  constructor(
    readonly kind: Trouble,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'DirectoryTrouble';
  }
}
/** Each question may throw DirectoryTrouble. */
export interface Directory {
  /** The user with this name and password; undefined for a wrong name as for a wrong password, in the same time. */
  authenticate(name: string, password: string): Promise<Entry | undefined>;
  named(name: string): Promise<Entry | undefined>;
  identified(identifier: string): Promise<Entry | undefined>;
  /** Identifiers of all groups that one belongs to, nested ones included. */
  groupsOf(identifier: string): Promise<readonly string[]>;
}

export type Configuration = Readonly<Record<string, string>>;
/** A kind of directory that the pool can be joined to. */
export interface DirectoryType {
  open(plane: Plane): Directory;
  /** Checks the configuration, if need be by asking whoever serves it. Throws AUTH_ENABLE_FAILED... */
  prepare(plane: Plane, service: string, configuration: Configuration): Promise<Joined>;
  leave(tx: Tx): Promise<void>;
}
export interface Joined {
  /** The part of the configuration that hosts may show. */
  readonly shown: Configuration;
  keep(tx: Tx): Promise<void>;
}

/** The pool's errors are the hosts' with the host in front. */
export function ofPool(error: unknown, host: string): unknown {
  if (!(error instanceof XenError) || !error.code.startsWith('AUTH_')) return error;
  const code = `POOL_${error.code}`;
  return isErrorCode(code) ? new XenError(code as ErrorCode, host, ...error.params) : error;
}

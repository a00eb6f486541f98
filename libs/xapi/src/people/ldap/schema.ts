/** Differences between directories: how people are named, identified and grouped. */
import type { Entry } from '../directory';
import type { Found } from './conversation';
import type { Filter } from './filters';

export interface Schema {
  /** All that is ever asked of a user or group. */
  readonly attributes: readonly string[];
  /** Matches any user or group at all. */
  readonly anybody: Filter;
  /** Questions for the one of this name, as the domain and its short name allow it to be written; undefined for one of another domain. */
  users(name: string, domain: Domain): Filter | undefined;
  groups(name: string, domain: Domain): Filter | undefined;
  /** Undefined for what is no identifier here. */
  identified(identifier: string): Filter | undefined;
  /** Undefined for an object that is neither user nor group, or shows too little of itself. */
  entry(found: Found, view: Domain & { readonly now: Date }): Entry | undefined;
  /** The groups in which one of these is, not looking further. */
  groupsOf(members: readonly Found[]): Filter;
}
export interface Domain {
  /** As in DNS. */
  readonly service: string;
  /** As in `DOMAIN\user`. */
  readonly workgroup: string;
}

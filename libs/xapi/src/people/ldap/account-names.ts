/** Names as people type them: `user`, `DOMAIN\user`, `user@domain`. */
import type { Domain } from './schema';

export interface AccountName {
  readonly account: string;
  /** All of `user@domain`. */
  readonly principal?: string;
  /** True if the domain that is named, if any, is this one. */
  readonly ours: boolean;
}
const longestName = 256;
const alike = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Undefined for what no account can be called. */
export function accountName(name: string, { service, workgroup }: Domain): AccountName | undefined {
  if (name === '' || name.length > longestName) return undefined;
  const isOurs = (domain: string): boolean => alike(domain, service) || alike(domain, workgroup);
  const slash = name.indexOf('\\'),
    at = name.lastIndexOf('@');
  if (slash > 0) return { account: name.slice(slash + 1), ours: isOurs(name.slice(0, slash)) };
  if (at > 0) return { account: name.slice(0, at), principal: name, ours: isOurs(name.slice(at + 1)) };
  return { account: name, ours: true };
}

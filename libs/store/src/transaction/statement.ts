/** SQL texts and the names under which each connection prepares them once. */
import { storedClasses } from '@xenplane/model';

export interface Statement {
  readonly text: string;
  /** Absent for a text that is not expected again. */
  readonly name: string | undefined;
  /** True if it changes objects that others see: replicas are notified after the commit. Leases and claims are of no interest to them. */
  readonly announced: boolean;
}

/** More texts than these are not a program's own: the rest are sent unprepared, so that no connection keeps them for ever. */
const mostPrepared = 3000;
const known = new Map<string, Statement>();
const seen: ReadonlySet<string> = new Set(['change', ...storedClasses.map((c) => c.name.toLowerCase())]);
const changes = /\b(?:insert\s+into|update|delete\s+from)\s+"?(\w+)"?/gi;
const isAnnounced = (text: string): boolean =>
  [...text.matchAll(changes)].some(([, table = '']) => seen.has(table.toLowerCase()));

export function statement(text: string): Statement {
  const found = known.get(text);
  if (found) return found;
  const announced = isAnnounced(text);
  if (known.size >= mostPrepared) return { text, name: undefined, announced };
  const made = { text, name: `s${known.size}`, announced };
  known.set(text, made);
  return made;
}

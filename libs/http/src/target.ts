/** The target of a request: which path and query it names, read once and without throwing, for every way in. */
import type { IncomingMessage } from 'node:http';

const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\//i;
const unreadable = /\0/;

/** The form that routes compare: no authority, no dot segments, no doubled slashes. Undefined when the text names no path. */
export function targetOf(text: string): string | undefined {
  const whole = absoluteForm.test(text) ? text : `http://any${text.startsWith('/') ? '' : '/'}${text}`;
  if (!URL.canParse(whole)) return undefined;
  const { pathname, search } = new URL(whole);
  const path = decoded(pathname);
  if (path === undefined || unreadable.test(path)) return undefined;
  return `${pathname.replace(/\/{2,}/g, '/')}${search}`;
}

/** The text that percent escapes stand for; undefined when they are not UTF-8. */
export function decoded(escaped: string): string | undefined {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}

/** Gives the request its target in the form that routes compare. False: the request has none and is to be refused with 400. */
export function readTarget(request: IncomingMessage): boolean {
  const target = targetOf(request.url ?? '/');
  if (target !== undefined) request.url = target;
  return target !== undefined;
}

/** Path and query of a request whose target was read. */
export const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/';
export function queryOf({ url = '/' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

/** Text as it comes in and goes out: UTF-8, what no string of the XenAPI may hold, and the escapes of XML. */
import { XenError } from '@xenplane/model';

/** A request body as it arrived. */
export type Body = string | Uint8Array;
/** A piece of an answer. */
export type Piece = string | Uint8Array;

const strict = new TextDecoder('utf-8', { fatal: true });
const lossy = new TextDecoder('utf-8');

/**
 * The text of a body, without a byte order mark. Bytes that are no UTF-8 become lone surrogates, so that the call can still be
 * read and answered: `assertText` refuses them, as INVALID_VALUE, in every value that is read.
 */
export function textOf(body: Body): string {
  if (typeof body === 'string') return body.startsWith('\ufeff') ? body.slice(1) : body;
  try {
    return strict.decode(body);
  } catch {
    return lossy.decode(body).replaceAll('\ufffd', '\udfff');
  }
}

/** Characters that Postgres cannot store or that are none: U+0000 and surrogates without their other half. */
const unfit = /[\u0000\ud800-\udfff]/u;
const everyUnfit = new RegExp(unfit, 'gu');
const longestShown = 60;

/** A piece of a client's text that is safe to send back and to log. */
export const printable = (text: string): string => text.slice(0, longestShown).replace(everyUnfit, '\ufffd');

/** Throws INVALID_VALUE for a text that is no sound Unicode, or holds U+0000. */
export function assertText(text: string): string {
  if (unfit.test(text))
    throw new XenError('INVALID_VALUE', 'Invalid UTF-8 string in parameter', printable(text));
  return text;
}

/** Markup, a carriage return (which readers of XML would turn into a line feed), and what no XML document may hold. */
const special = /[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/u;
const everySpecial = new RegExp(special, 'gu');
const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** Text for the inside of an XML element; control characters other than tab, line feed and carriage return are dropped. */
export const escapeXml = (text: string): string =>
  special.test(text) ? text.replace(everySpecial, (c) => escapes[c] ?? '') : text;

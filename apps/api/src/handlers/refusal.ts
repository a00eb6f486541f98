/** What an HTTP handler answers instead of its document. */
import { STATUS_CODES } from 'node:http';
import type { XenError } from '@xenplane/model';

/** A refusal with a status of its own; the text is shown to the client. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    text: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(text);
    this.name = 'Refusal';
  }
}

const escaped = (text: string): string => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** An error of the XenAPI as xapi shows it to browsers: its code and parameters in the text. */
export const shown = (error: XenError): string => `${error.code}: [ ${error.params.join('; ')} ]`;

export const page = (status: number, text: string): Buffer =>
  Buffer.from(`<html><body><h1>HTTP ${status} ${escaped(reasonOf(status))}</h1>${escaped(text)}</body></html>`);

/** The words behind a status in the first line of an answer. */
export const phraseOf = (status: number): string => (status === 401 ? 'Unauthorised' : (STATUS_CODES[status] ?? 'Error'));
/** The words behind a status on a page. */
const reasonOf = (status: number): string => reasons[status] ?? 'error';
const reasons: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorised',
  403: 'Forbidden',
  404: 'Not found',
  500: 'internal server error',
  501: 'Method not implemented',
  503: 'Service Unavailable',
};

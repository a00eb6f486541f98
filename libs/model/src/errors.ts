/** The one error of the XenAPI: a code and its parameters, in the order that the code's entry in `errorCodes` names them. */
import { errorCodes } from './error-codes';

export type ErrorCode = keyof typeof errorCodes;

export class XenError extends Error {
  readonly params: readonly string[];
  constructor(
    readonly code: ErrorCode,
    ...params: readonly string[]
  ) {
    super([code, ...params].join(' '));
    this.name = 'XenError';
    this.params = params;
  }
  /** As it goes over the wire: the code first. */
  get description(): string[] {
    return [this.code, ...this.params];
  }
}

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text);

/** The error that a description stood for; what is not a known code becomes INTERNAL_ERROR. */
export function errorFrom(description: readonly string[]): XenError {
  const [code = '', ...params] = description;
  return isErrorCode(code) ? new XenError(code, ...params) : new XenError('INTERNAL_ERROR', description.join(' '));
}

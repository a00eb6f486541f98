/** The one error of the XenAPI: a code and its parameters, in the order that the code's entry in `errorCodes` names them. */
import { errorCodes, type ErrorDoc } from './error-codes';

/** Scripts of a host number their failures as they like, and say when they have no function of a name. */
export type ScriptFailure = `${number}` | 'UNKNOWN_XENAPI_PLUGIN_FUNCTION';
/** Storage drivers number their own failures; `Fault` is the form of a call that cannot be made, beside all codes. */
export type ErrorCode = keyof typeof errorCodes | `SR_BACKEND_FAILURE_${number}` | ScriptFailure | 'Fault';
const fault: ErrorDoc = {
  params: ['message'],
  doc: 'The call cannot be made in this way.',
  undocumented: true,
};

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

const driverFailure = /^SR_BACKEND_FAILURE_\d+$/;
export const isErrorCode = (text: string): text is ErrorCode =>
  Object.hasOwn(errorCodes, text) || text === 'Fault' || driverFailure.test(text);
export const errorDoc = (code: ErrorCode): ErrorDoc =>
  code === 'Fault'
    ? fault
    : (Object.entries<ErrorDoc>(errorCodes).find(([known]) => known === code)?.[1] ??
      errorCodes.SR_BACKEND_FAILURE);

/** The error that a description stood for; what is not a known code becomes INTERNAL_ERROR. */
export function errorFrom(description: readonly string[]): XenError {
  const [code = '', ...params] = description;
  return isErrorCode(code)
    ? new XenError(code, ...params)
    : new XenError('INTERNAL_ERROR', description.join(' '));
}

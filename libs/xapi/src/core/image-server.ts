/** Requests to the image server are repeated while it is away for a moment; when it stays away, the error says so in the words of the interface. */
import { setTimeout as sleep } from 'node:timers/promises';
import { XenError } from '@xenplane/model';

const mostTries = 7,
  firstWaitMs = 100,
  longestWaitMs = 2_000;
const connection: ReadonlySet<string> = new Set([
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
  ],
  ...['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT'],
]);

/** The code of a failed connection, which `fetch` hides in the cause of its error. */
function connectionFailure(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && connection.has(code) ? code : connectionFailure(error.cause);
}

/** For what may be done twice. */
export async function withRetries<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await act();
    } catch (error) {
      if (!connectionFailure(error) || signal?.aborted) throw error;
      if (tried === mostTries) throw unreachable(error);
    }
    await sleep(Math.min(firstWaitMs * 2 ** (tried - 1), longestWaitMs));
  }
}

/** For a stream, which cannot be sent twice; it may break for reasons of its own, so that only a refused connection counts as an absent server. */
export async function withoutRetry<T>(act: () => Promise<T>): Promise<T> {
  return act().catch((error: unknown) =>
    Promise.reject(connectionFailure(error) === 'ECONNREFUSED' ? unreachable(error) : error),
  );
}

/** The error of the interface for a failed connection to the image server; any other error as it is. */
export const unreachable = (error: unknown): unknown => {
  const code = connectionFailure(error);
  return code
    ? new XenError('SR_BACKEND_FAILURE', '', `The image server cannot be reached: ${code}`, '')
    : error;
};

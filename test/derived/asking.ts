/** Asks for very many messages, a few at a time, by JSON-RPC. */
import { Agent, request } from 'node:http';
import { mandatory, zeroOf, type Message } from '@xenplane/model';
import { encodeJson } from '@xenplane/wire';

/** Nothing asked so has work to do: what does not answer was begun though it names nothing. */
const answerLimitMs = 60_000;
export interface Reply {
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly data: readonly string[] };
}

const sideBySide = 24;
export class Asking {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: sideBySide });

  constructor(private readonly url: string) {}

  close(): void {
    this.agent.destroy();
  }

  /** Parameters are texts of JSON. */
  ask(method: string, params: readonly string[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.agent };
      const sent = request(`${this.url}/jsonrpc`, options, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          const type = response.headers['content-type'];
          if (response.statusCode !== 200 || type !== 'application/json')
            reject(new Error(`${method} was answered with ${response.statusCode} ${type}`));
          else resolve(JSON.parse(Buffer.concat(pieces).toString('utf8')) as Reply);
        });
      });
      sent.on('error', reject);
      sent.setTimeout(answerLimitMs, () => sent.destroy(new Error(`no answer to ${method}`)));
      sent.end(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":[${params.join(',')}]}`);
    });
  }

  /** What the question answers for all of these, sorted; nothing for those of which it has nothing to say. */
  async complaints<T>(
    all: readonly T[],
    question: (one: T) => Promise<string | undefined>,
  ): Promise<string[]> {
    const found: string[] = [];
    const left = all.values();
    const worker = async (): Promise<void> => {
      for (const one of left) {
        const complaint = await question(one);
        if (complaint !== undefined) found.push(complaint);
      }
    };
    await Promise.all(Array.from({ length: sideBySide }, worker));
    return found.sort();
  }
}

/** Arguments of the right types that mean nothing. */
export const blank = (message: Message): string[] =>
  message.params
    .slice(0, mandatory(message))
    .map(({ type }) =>
      type.kind === 'record'
        ? blankRecord(message)
        : encodeJson(type, type.kind === 'option' ? undefined : zeroOf(type)),
    );
function blankRecord({ cls }: Message): string {
  const members = Object.entries(cls.fields).filter(([, f]) => f.access !== 'readOnly');
  return `{${members.map(([name, f]) => `"${name}":${encodeJson(f.type, zeroOf(f.type))}`).join(',')}}`;
}

/** One request to an agent, over connections that stay open. Thousands a second go this way: `fetch` costs several times as much. */
import http from 'node:http';
import https from 'node:https';

const options = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: 64 } as const;
const plain = new http.Agent(options);
const secure = new https.Agent(options);

export interface AgentRequest {
  readonly method: string;
  readonly url: string;
  readonly key: string;
  readonly body?: object | undefined;
  /** Without an answer in this time it has failed. */
  readonly limitMs: number;
}
export interface AgentReply {
  readonly status: number;
  readonly text: string;
}

export function askAgent({ method, url, key, body, limitMs }: AgentRequest): Promise<AgentReply> {
  const content = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${key}`,
    ...(content === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
  };
  return new Promise((resolve, reject) => {
    const isSecure = url.startsWith('https:');
    const request = (isSecure ? https : http).request(
      url,
      { method, headers, agent: isSecure ? secure : plain },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }),
        );
      },
    );
    const timer = setTimeout(() => request.destroy(new Error('the agent did not answer in time')), limitMs);
    request.on('close', () => clearTimeout(timer));
    request.on('error', reject);
    request.end(content);
  });
}

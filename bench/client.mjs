/** A bare JSON-RPC session for load: keep-alive connections, no retries. */
import http from 'node:http';

export function makeCall(url, agent = new http.Agent({ keepAlive: true, maxSockets: 256 })) {
  let id = 0;
  return (method, ...params) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params });
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const request = http.request(`${url}/jsonrpc`, { method: 'POST', agent, headers }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answer = JSON.parse(Buffer.concat(chunks).toString());
          if (answer.error)
            reject(new Error(`${method}: ${answer.error.message} ${answer.error.data.join(' ')}`));
          else resolve(answer.result);
        });
      });
      request.on('error', reject);
      request.end(body);
    });
}

export const tokenOf = (url, password, agent) =>
  makeCall(url, agent)('session.login_with_password', 'root', password);
export async function logIn(url, password, agent) {
  const raw = makeCall(url, agent);
  const session = await raw('session.login_with_password', 'root', password);
  return (method, ...params) => raw(method, session, ...params);
}

export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? NaN;
  return { n: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

import net from 'node:net';
import { readState, updateState } from './state.mjs';

const host = '127.0.0.1';
const wellKnown = new Set([5432, 6379]);

function listenOnce(port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const chosen = server.address().port;
      server.close(() => resolve(chosen));
    });
  });
}

export async function freePort() {
  for (;;) {
    const port = await listenOnce(0);
    if (!wellKnown.has(port)) return port;
  }
}

export async function isFree(port) {
  try {
    await listenOnce(port);
    return true;
  } catch (error) {
    if (error.code === 'EADDRINUSE' || error.code === 'EACCES') return false;
    throw error;
  }
}

/** The port this name had last time, while nobody else has it; otherwise a new one, remembered. */
export async function keptPort(file, name) {
  const kept = readState(file)[name];
  if (kept && (await isFree(kept))) return kept;
  return newPort(file, name);
}

export async function newPort(file, name) {
  const port = await freePort();
  updateState(file, { [name]: port });
  return port;
}

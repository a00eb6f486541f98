// One question to a Redis server, before any package is installed.
import net from 'node:net';
import tls from 'node:tls';

const encode = (words) =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** One reply from the text at that place: [value, end]; undefined while it is not all there. */
function decode(text, at = 0) {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = text.slice(at + 1, lineEnd);
  const next = lineEnd + 2;
  const count = Number(line);
  switch (text[at]) {
    case '-':
      return [new Error(line), next];
    case ':':
      return [count, next];
    case '$':
      return decodeBulk(text, next, count);
    case '*':
      return decodeArray(text, next, count);
    default:
      return [line, next];
  }
}

function decodeBulk(text, at, length) {
  if (length < 0) return [null, at];
  return text.length < at + length + 2 ? undefined : [text.slice(at, at + length), at + length + 2];
}

function decodeArray(text, start, count) {
  const items = [];
  let at = start;
  while (items.length < count) {
    const item = decode(text, at);
    if (!item) return undefined;
    items.push(item[0]);
    at = item[1];
  }
  return [items, at];
}

function credentials({ username, password }) {
  if (!password) return [];
  return [['AUTH', ...[username, password].filter(Boolean).map(decodeURIComponent)]];
}

/** The reply to the command; rejects with Redis' own words on an error reply. */
export function command(url, words, timeoutMs = 5000) {
  const at = new URL(url);
  const commands = [...credentials(at), words];
  return new Promise((resolve, reject) => {
    const where = { host: at.hostname.replace(/^\[|\]$/g, ''), port: Number(at.port || 6379) };
    const socket =
      at.protocol === 'rediss:' ? tls.connect({ ...where, servername: where.host }) : net.connect(where);
    let text = '';
    const finish = (settle, value) => {
      socket.destroy();
      settle(value);
    };
    socket.setEncoding('latin1');
    socket.setTimeout(timeoutMs, () =>
      finish(reject, new Error(`no answer from ${at.host} in ${timeoutMs} ms`)),
    );
    socket.on('error', (error) => finish(reject, error));
    socket.on('close', () => reject(new Error('connection closed')));
    socket.on('data', (bytes) => {
      const replies = decodeArray((text += bytes), 0, commands.length)?.[0];
      const error = replies?.find((reply) => reply instanceof Error);
      if (replies) finish(error ? reject : resolve, error ?? replies.at(-1));
    });
    socket.write(commands.map(encode).join(''));
  });
}

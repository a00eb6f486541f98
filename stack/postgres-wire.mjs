// Just enough of Postgres' protocol to ask one question of our own server, by a password (SCRAM):
// this must work before any package is installed, and not every build of Postgres has a psql.
import net from 'node:net';
import { scram } from './scram.mjs';

const text = (value) => Buffer.from(`${value}\0`);

/** The launcher may write even while others may not. */
const options = '-c default_transaction_read_only=off';

function startup(user, database) {
  const body = Buffer.concat([
    Buffer.from([0, 3, 0, 0]),
    ...['user', user, 'database', database, 'options', options].map(text),
    Buffer.from([0]),
  ]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
}

function message(type, body) {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Splits whole messages off the front; answers the rest. */
function eachMessage(bytes, take) {
  let at = 0;
  while (bytes.length - at >= 5 && bytes.length - at > bytes.readInt32BE(at + 1)) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    take(String.fromCharCode(bytes[at]), bytes.subarray(at + 5, end));
    at = end;
  }
  return bytes.subarray(at);
}

function row(body) {
  const values = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const length = body.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : body.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return values;
}

function failure(body) {
  const fields = Object.fromEntries(
    body
      .toString()
      .split('\0')
      .filter(Boolean)
      .map((field) => [field[0], field.slice(1)]),
  );
  return Object.assign(new Error(fields.M), { code: fields.C });
}

/** Answers what the server asks while a user is let in; a server that asks for nothing trusts everybody. */
function authentication(password, send) {
  const exchange = scram(password);
  const steps = {
    0: () => {},
    10: () => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(Buffer.byteLength(exchange.first));
      send(message('p', Buffer.concat([text('SCRAM-SHA-256'), length, Buffer.from(exchange.first)])));
    },
    11: (words) => send(message('p', Buffer.from(exchange.answer(words)))),
    12: (words) => {
      if (!exchange.isProven(words)) throw new Error('the server does not know the password');
    },
  };
  return (body) => {
    const step = steps[body.readInt32BE(0)];
    if (!step) throw new Error('the server wants another kind of password');
    step(body.toString('utf8', 4));
  };
}

/** Rows of text values. */
export function query(
  { port, user = 'xenplane', password = '', database = 'postgres', timeoutMs = 5000 },
  sql,
) {
  return new Promise((resolve, reject) => {
    const rows = [];
    let [rest, asked, failed] = [Buffer.alloc(0), false];
    const socket = net.connect(port, '127.0.0.1', () => socket.write(startup(user, database)));
    const fail = (error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer from port ${port} in ${timeoutMs} ms`)));
    socket.on('error', fail);
    socket.on('close', () => reject(failed ?? new Error('connection closed')));
    const admitted = authentication(password, (bytes) => socket.write(bytes));
    const take = {
      R: (body) => {
        try {
          admitted(body);
        } catch (error) {
          fail(error);
        }
      },
      D: (body) => rows.push(row(body)),
      E: (body) => (failed = failure(body)),
      Z: () => {
        if (!asked && !failed) return (asked = socket.write(message('Q', text(sql))) || true);
        socket.end(message('X', Buffer.alloc(0)));
        return failed ? reject(failed) : resolve(rows);
      },
    };
    socket.on('data', (bytes) => {
      rest = eachMessage(Buffer.concat([rest, bytes]), (type, body) => take[type]?.(body));
    });
  });
}

/** `POST /cli`: a command of `xe` that runs here. After the request the connection is no HTTP any more and gets no answer of it. */
import { runXe } from '@xenplane/client';
import type { Wanted } from '@xenplane/http';
import { MalformedThin } from '@xenplane/wire';
import { callSender } from '@xenplane/xapi';
import { Channel, ClientGone } from '../cli/channel';
import { openSession, type Credentials } from '../cli/session';
import { terminalOver } from '../cli/terminal';
import { mostCommandBytes } from '../http-limits';
import type { Exchange, Handler } from './exchange/exchange';

/** Of anybody: who it is stands in the body. */
const ofCommand: Wanted = { mostBytes: mostCommandBytes, isKnown: () => Promise.resolve(false) };

interface CommandLine {
  readonly words: readonly string[];
  readonly login: Omit<Credentials, 'way'>;
}
/** One word a line; who it is comes last, or first when another server passes the command on. */
export function commandLine(body: string): CommandLine {
  const lines = body.split('\n').map((line) => line.replace(/\r$/, ''));
  const value = (name: string): string | undefined =>
    lines.findLast((l) => l.startsWith(`${name}=`))?.slice(name.length + 1);
  const session = lines[0]?.startsWith('session_id=') ? lines[0].slice('session_id='.length) : undefined;
  const own = (
    [
      lines.findLastIndex((l) => l.startsWith('username=')),
      lines.findLastIndex((l) => l.startsWith('password=')),
    ] as const
  ).filter((i) => i >= 0);
  const words = lines.filter(
    (line, i) => line !== '' && !own.includes(i) && !(i === 0 && session !== undefined),
  );
  return { words, login: { session, user: value('username') ?? '', password: value('password') ?? '' } };
}

async function run({ request, socket, dispatcher, signal, plane, bodies, way }: Exchange): Promise<void> {
  const { words, login } = commandLine((await bodies.take(request, ofCommand)).toString('utf8'));
  const channel = new Channel(socket);
  try {
    await channel.greet();
    const terminal = terminalOver(channel, callSender(plane.store));
    const code = await runXe(words, () => openSession(dispatcher, { ...login, way }, signal), terminal);
    channel.say({ kind: 'exit', code });
  } catch (error) {
    if (!(error instanceof ClientGone) && !(error instanceof MalformedThin))
      plane.log.error({ command: words[0], error }, 'a command of the thin client failed');
  } finally {
    await channel.close();
  }
}

export const cli: Handler = { name: 'post_cli', run };

/** A person at the console of a simulated guest: what is typed, what is echoed, and where the login stands. */
import { bootText, hostName, systemName, type GuestFacts } from './boot';
import { answer } from './shell';

export interface Session {
  readonly phase: 'login' | 'password' | 'shell';
  readonly user: string;
  readonly line: string;
  /** All that was written after the boot but what has been dropped from its beginning. */
  readonly output: string;
  readonly dropped: number;
}

const longestLine = 255;
const longestOutput = 32_768;
const longestSaved = 4_096;
const phases = ['login', 'password', 'shell'] as const;

const banner = (facts: GuestFacts): string => `\n${systemName(facts)} ${hostName(facts)} hvc0\n\n`;
const loginPrompt = (facts: GuestFacts): string => `${hostName(facts)} login: `;
const shellPrompt = (facts: GuestFacts, user: string): string =>
  `${user}@${hostName(facts)}:~${user === 'root' ? '#' : '$'} `;

export const isBooted = (facts: GuestFacts, seconds: number): boolean => bootText(facts, seconds).done;

/** With the end of its output alone, as it goes with the memory of a guest. */
export function shortened(session: Session): Session {
  const surplus = Math.max(0, session.output.length - longestSaved);
  return { ...session, output: session.output.slice(surplus), dropped: session.dropped + surplus };
}
/** What a saved image says; undefined when it is no session. */
export function sessionIn(saved: unknown): Session | undefined {
  if (typeof saved !== 'object' || saved === null) return undefined;
  const { phase, user, line, output, dropped } = saved as Partial<Record<keyof Session, unknown>>;
  const known = phases.find((one) => one === phase);
  const texts = [user, line, output].every((text) => typeof text === 'string');
  return known !== undefined && texts && Number.isSafeInteger(dropped)
    ? {
        phase: known,
        user: String(user).slice(0, longestLine),
        line: String(line).slice(0, longestLine),
        output: String(output).slice(0, longestSaved),
        dropped: Number(dropped),
      }
    : undefined;
}

export const newSession: Session = { phase: 'login', user: '', line: '', output: '', dropped: 0 };

const write = (session: Session, text: string): Session => {
  const output = session.output + text;
  const surplus = output.length > longestOutput ? output.length - longestOutput / 2 : 0;
  return { ...session, output: output.slice(surplus), dropped: session.dropped + surplus };
};

/** Keys typed before the boot is over are lost. */
export function type(session: Session, facts: GuestFacts, text: string, seconds: number): Session {
  if (!bootText(facts, seconds).done) return session;
  let now = session;
  for (const c of text) now = key(now, facts, c, seconds);
  return now;
}

function key(session: Session, facts: GuestFacts, c: string, seconds: number): Session {
  const { phase, line } = session;
  if (c === '\r' || c === '\n') return enter(session, facts, seconds);
  if (c === '\x7f' || c === '\b')
    return line === '' ? session : { ...echo(session, '\b \b'), line: line.slice(0, -1) };
  if (c === '\x03')
    return prompt(
      { ...write(session, '^C\n'), line: '', phase: phase === 'shell' ? 'shell' : 'login' },
      facts,
    );
  if (c === '\x04' && phase === 'shell' && line === '') return logOut(session, facts);
  if (c === '\f' && phase === 'shell') return write(prompt(write(session, '\f'), facts), line);
  if (c < ' ' || c > '~' || line.length >= longestLine) return session;
  return { ...echo(session, c), line: line + c };
}
/** A password is not shown. */
const echo = (session: Session, text: string): Session =>
  session.phase === 'password' ? session : write(session, text);

function enter(session: Session, facts: GuestFacts, seconds: number): Session {
  const { phase, line } = session;
  const next = { ...write(session, '\n'), line: '' };
  if (phase === 'login')
    return line.trim() === ''
      ? prompt(next, facts)
      : prompt({ ...next, user: line.trim(), phase: 'password' }, facts);
  if (phase === 'password')
    return prompt(
      write({ ...next, phase: 'shell' }, `Welcome to ${systemName(facts)}, a simulated guest\n`),
      facts,
    );
  return run(next, facts, line, seconds);
}

function run(session: Session, facts: GuestFacts, line: string, seconds: number): Session {
  const command = line.trim();
  if (command === 'exit' || command === 'logout') return logOut(session, facts);
  if (command === 'clear') return prompt(write(session, '\f'), facts);
  const said = answer(line, { facts, seconds, user: session.user });
  return prompt(said === '' ? session : write(session, `${said}\n`), facts);
}
const logOut = (session: Session, facts: GuestFacts): Session =>
  prompt({ ...write(session, `logout\n${banner(facts)}`), phase: 'login', user: '', line: '' }, facts);

function prompt(session: Session, facts: GuestFacts): Session {
  if (session.phase === 'password') return write(session, 'Password: ');
  return write(session, session.phase === 'login' ? loginPrompt(facts) : shellPrompt(facts, session.user));
}

/** All that the guest has written and that is still kept; `from` is how much came before. */
export function written(
  session: Session,
  facts: GuestFacts,
  seconds: number,
): { readonly from: number; readonly text: string } {
  const boot = bootText(facts, seconds);
  if (!boot.done) return { from: 0, text: boot.text };
  const before = boot.text + banner(facts) + loginPrompt(facts);
  return session.dropped > 0
    ? { from: before.length + session.dropped, text: session.output }
    : { from: 0, text: before + session.output };
}

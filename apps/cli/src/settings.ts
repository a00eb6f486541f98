/** Where and as whom: from the command line, else XE_EXTRA_ARGS, else ~/.xe, else this machine as root. */
import type { Login } from '@xenplane/client';

interface Found {
  server?: string;
  port?: string;
  username?: string;
  password?: string;
  passwordfile?: string;
  nossl?: string;
  debug?: string;
  debugonfail?: string;
  /** Names the span that asks; nothing here makes spans. */
  traceparent?: string;
}
const switches: ReadonlyMap<string, keyof Found> = new Map([
  ['-s', 'server'],
  ['-h', 'server'],
  ['-p', 'port'],
  ['-u', 'username'],
  ['-pw', 'password'],
  ['-pwf', 'passwordfile'],
  ['--traceparent', 'traceparent'],
]);
const flags: ReadonlyMap<string, Found> = new Map([
  ['--nossl', { nossl: 'true' }],
  ['--ssl', { nossl: 'false' }],
  ['--debug', { debug: 'true' }],
  ['--debug-on-fail', { debugonfail: 'true' }],
]);
const pairs = /^(server|port|username|password|passwordfile|nossl|debug|debugonfail|traceparent)=(.*)$/s;

/** Takes what is about the connection out of the words. */
function take(words: readonly string[]): { rest: string[]; found: Found } {
  const rest: string[] = [],
    found: Found = {};
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '',
      name = switches.get(word),
      pair = pairs.exec(word);
    if (name) found[name] = words[(i += 1)] ?? '';
    else if (pair) found[pair[1] as keyof Found] = pair[2] ?? '';
    else if (flags.has(word)) Object.assign(found, flags.get(word));
    else rest.push(word);
  }
  return { rest, found };
}
/** Words with commas between, where a backslash keeps a comma in a word; or a line of switches as on the command line. */
function extraWords(text: string): string[] {
  if (text.trimStart().startsWith('-')) return text.split(/[\s,]+/).filter(Boolean);
  return (text.match(/(?:\\.|[^,\\])+/gs) ?? []).map((word) => word.replace(/\\/g, ''));
}
/** A file with the user on its first line and the password on its second, or the password alone. */
function credentials(text: string, { username }: Found): Pick<Found, 'username' | 'password'> {
  const [first = '', second] = text.split(/\r?\n/);
  return second === undefined || second === ''
    ? { ...(username === undefined ? {} : { username }), password: first }
    : { username: first, password: second };
}

/** As the real client does: over TLS to every server but literally 127.0.0.1, unless that is asked for or forbidden. */
const isEncrypted = (nossl: string | undefined, server: string): boolean =>
  nossl === undefined ? server !== '127.0.0.1' : nossl === 'false';

export interface Settings {
  readonly words: string[];
  readonly login: Login;
  /** When requests and answers are printed: at once, or after the command has failed. */
  readonly debug: 'always' | 'on failure' | 'never';
}
export function settingsOf(
  argv: readonly string[],
  extra: string,
  file: string,
  readFile: (name: string) => string,
): Settings {
  const asksHelp = argv.some((word) => word === '--help' || word === '-help');
  const [own, environment, kept] = [
    take(argv),
    take(extraWords(extra)),
    take(file.split(/\r?\n/).flatMap((line) => line.trim() || [])),
  ];
  const found = { ...kept.found, ...environment.found, ...own.found };
  const { server = '127.0.0.1', port, passwordfile } = found;
  const { username = 'root', password = '' } = passwordfile
    ? credentials(readFile(passwordfile), found)
    : found;
  const tls = isEncrypted(found.nossl, server);
  return {
    words: asksHelp ? ['help'] : [...own.rest, ...environment.rest, ...kept.rest],
    login: {
      url: `${tls ? 'https' : 'http'}://${server}:${port ?? (tls ? '8443' : '8080')}`,
      user: username,
      password,
    },
    debug: found.debug === 'true' ? 'always' : found.debugonfail === 'true' ? 'on failure' : 'never',
  };
}

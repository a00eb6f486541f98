/** Where and as whom: from the command line, else XE_EXTRA_ARGS, else ~/.xe, else this machine as root. */
import type { Login } from '@xenplane/client';

interface Found {
  server?: string;
  port?: string;
  username?: string;
  password?: string;
  tls?: boolean;
}
const switches: Readonly<Record<string, keyof Omit<Found, 'tls'>>> = { '-s': 'server', '-h': 'server', '-p': 'port', '-u': 'username', '-pw': 'password' };

/** Takes what is about the connection out of the words. */
function take(words: readonly string[], readFile: (name: string) => string): { rest: string[]; found: Found } {
  const rest: string[] = [],
    found: Found = {};
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '',
      name = switches[word],
      value = words[i + 1] ?? '';
    const pair = /^(server|port|username|password)=(.*)$/.exec(word);
    if (name) found[name] = value;
    else if (word === '-pwf') [found.username, found.password] = credentials(readFile(value), found.username);
    else if (pair) found[pair[1] as keyof Omit<Found, 'tls'>] = pair[2] ?? '';
    else if (word === '--nossl') found.tls = false;
    else if (word === '--ssl') found.tls = true;
    else if (word !== '--debug') rest.push(word);
    if (name || word === '-pwf') i += 1;
  }
  return { rest, found };
}
/** A file with the user on its first line and the password on its second, or the password alone. */
function credentials(text: string, user: string | undefined): [string | undefined, string] {
  const [first = '', second] = text.split(/\r?\n/);
  return second === undefined || second === '' ? [user, first] : [first, second];
}

export function settingsOf(argv: readonly string[], extra: string, file: string, readFile: (name: string) => string): { words: string[]; login: Login } {
  const own = take(argv, readFile),
    environment = take(extra.split(/[\s,]+/).filter(Boolean), readFile),
    kept = take(
      file
        .split(/\r?\n/)
        .map((l) => l.trim())
        .filter(Boolean),
      readFile,
    );
  const { server = '127.0.0.1', port, username = 'root', password = '', tls = false } = { ...kept.found, ...environment.found, ...own.found };
  return {
    words: [...own.rest, ...environment.rest],
    login: { url: `${tls ? 'https' : 'http'}://${server}:${port ?? (tls ? '8443' : '8080')}`, user: username, password },
  };
}

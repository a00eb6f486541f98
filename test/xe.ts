/** `xe` of this process against a server: its words, what it prints, and its exit code. */
import { connect, logOut, runXe, type Opened, type Terminal } from '@xenplane/client';
import { originOf } from '@xenplane/process';
import { readFileSync } from 'node:fs';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}
export interface XeUser {
  readonly url: string;
  readonly password: string;
  readonly user?: string;
  /** The user's input when asked. */
  readonly types?: string;
}

const sessionOf =
  ({ url, password, user = 'root' }: XeUser) =>
  async (): Promise<Opened> => {
    const api = await connect({ url, user, password, originator: 'xe' });
    return { api, close: () => logOut(api) };
  };
export const xeWith = (user: XeUser, words: readonly string[]): Promise<Said> =>
  xeOver(sessionOf(user), words, user.types);

export async function xeOver(
  open: () => Promise<Opened>,
  words: readonly string[],
  types = '',
): Promise<Said> {
  let out = '',
    error = '';
  const terminal: Terminal = {
    print: (text) => void (out += `${text}\n`),
    printError: (text) => void (error += text),
    error: (code, params) => void (error += `Error code: ${code}\nError parameters: ${params.join(', ')}\n`),
    prompt: () => Promise.resolve(types),
    readFile: (name) => Promise.resolve(readFileSync(name)),
    // No files here: the binary and the thin protocol have their own stories.
    httpGet: () => Promise.resolve(false),
    httpPut: () => Promise.resolve(false),
    httpConnect: () => Promise.resolve(false),
    originOf,
    onProgress: () => undefined,
  };
  return { code: await runXe(words, open, terminal), out, error };
}

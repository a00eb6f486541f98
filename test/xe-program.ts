/** The program `xe` as users start it, with a home of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import path from 'node:path';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}
const program = path.resolve(__dirname, '../bin/xe');

export const startXe = (home: string, words: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [program, ...words], { env: { HOME: home, PATH: '/usr/bin:/bin' }, cwd: home });

export async function xeProgram(
  home: string,
  words: readonly string[],
  input: string | Buffer = '',
): Promise<Ended> {
  const child = startXe(home, words);
  let out = '',
    error = '';
  child.stdout.on('data', (d: Buffer) => (out += d.toString()));
  child.stderr.on('data', (d: Buffer) => (error += d.toString()));
  child.stdin.on('error', () => undefined).end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, error };
}

/** `xe`: the words of the command line, a terminal, and the library that does the rest. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { connect, logOut, runXe, type Login, type Opened, type Terminal } from '@xenplane/client';
import { cliEnvironment } from '@xenplane/config';
import { settingsOf } from './settings';
import { connectTerminal, get, put, sendCall, upload } from './transfers';

/** A line that is written over, for people; scripts see nothing of it. */
function onProgress(fraction: number): void {
  if (!process.stderr.isTTY || fraction < 0) return;
  process.stderr.write(fraction >= 1 ? '\r\x1b[K' : `\r${Math.round(fraction * 100)} %`);
}
async function prompt(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  return '';
}
async function open(login: Login): Promise<Opened> {
  const api = await connect({ ...login, originator: 'xe', send: sendCall });
  return { api, close: () => logOut(api) };
}
const printError = (text: string): void => void process.stderr.write(text);

function terminalAt(base: string, debugging: boolean): Terminal {
  const at = (target: string): URL => new URL(target, base);
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    printError,
    error: (code, params) => printError(`Error code: ${code}\nError parameters: ${params.join(', ')}\n`),
    debug: (text) => debugging && printError(`${text}\n`),
    prompt,
    readFile: (name) => readFile(name),
    httpGet: (file, target) => get(at(target), file),
    httpPut: (file, target) => put(at(target), file),
    httpConnect: (target) => connectTerminal(at(target)),
    onProgress,
    sendCall,
    upload: (file, target) => upload(at(target), file),
  };
}

async function main(): Promise<number> {
  const { extraArgs, home } = cliEnvironment();
  const file = path.join(home, '.xe');
  const argv = process.argv.slice(2);
  const { words, login } = settingsOf(argv, extraArgs, existsSync(file) ? readFileSync(file, 'utf8') : '', (name) => readFileSync(name, 'utf8'));
  return runXe(words, () => open(login), terminalAt(login.url, argv.includes('--debug')));
}

// Whoever reads has read enough, as `head` does: not an error, and nothing more to do.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(brokenPipe);
});
const brokenPipe = 141;

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    printError(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);

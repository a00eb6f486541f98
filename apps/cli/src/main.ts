/** `xe`: the words of the command line, a terminal, and the library that does the rest. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { connect, logOut, runXe, type Login, type Opened, type Send, type Terminal } from '@xenplane/client';
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
async function open(login: Login, send: Send): Promise<Opened> {
  const api = await connect({ ...login, originator: 'xe', send });
  return { api, close: () => logOut(api) };
}
const printError = (text: string): void => void process.stderr.write(text);

/** Prints the name of each call without its arguments: one may be a password. */
function telling(say: (line: string) => void): Send {
  return (address, body) => {
    say(`${new URL(address).host} ${(JSON.parse(body) as { method: string }).method}\n`);
    return sendCall(address, body);
  };
}

function terminalAt(base: string, sendCall: Send): Terminal {
  const at = (target: string): URL => new URL(target, base);
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    printError,
    error: (code, params) => printError(`Error code: ${code}\nError parameters: ${params.join(', ')}\n`),
    prompt,
    readFile: (name) => readFile(name),
    httpGet: (file, target) => get(at(target), file),
    httpPut: (file, target) => put(at(target), file),
    httpConnect: (target) => connectTerminal(at(target)),
    onProgress,
    sendCall,
    // Loaded by the few commands that need it: each one starts anew.
    originOf: async (address) => (await import('@xenplane/process')).originOf(address),
    upload: (file, target) => upload(at(target), file),
  };
}

async function main(): Promise<number> {
  const { extraArgs, home } = cliEnvironment();
  const file = path.join(home, '.xe');
  const kept = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const { words, login, debug } = settingsOf(process.argv.slice(2), extraArgs, kept, (name) =>
    readFileSync(name, 'utf8'),
  );
  const told: string[] = [];
  const send = {
    never: sendCall,
    always: telling(printError),
    'on failure': telling((line) => told.push(line)),
  }[debug];
  const code = await runXe(words, () => open(login, send), terminalAt(login.url, send));
  if (code !== 0 && told.length > 0) printError(`\nDebug info:\n\n${told.join('')}`);
  return code;
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

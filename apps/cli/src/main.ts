/** `xe`: the words of the command line, a terminal, and the library that does the rest. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { runXe, type Api } from '@xenplane/client';
import { cliEnvironment } from '@xenplane/config';
import { settingsOf } from './settings';

async function upload({ url }: Api, file: string, target: string): Promise<unknown> {
  const source = file === '-' ? process.stdin : createReadStream(file);
  const response = await fetch(url + target, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: Readable.toWeb(source),
    duplex: 'half',
  } as RequestInit);
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`the server answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

/** A line that is written over, for people; scripts see nothing of it. */
function onProgress(fraction: number): void {
  if (process.stderr.isTTY) process.stderr.write(fraction >= 1 ? '\r\x1b[K' : `\r${Math.round(fraction * 100)} %`);
}

async function main(): Promise<number> {
  const { extraArgs, home } = cliEnvironment();
  const file = path.join(home, '.xe');
  const { words, login } = settingsOf(process.argv.slice(2), extraArgs, existsSync(file) ? readFileSync(file, 'utf8') : '', (name) =>
    readFileSync(name, 'utf8'),
  );
  return runXe(words, login, {
    out: { print: (text) => process.stdout.write(`${text}\n`) },
    error: (text) => process.stderr.write(`${text}\n`),
    onProgress,
    upload,
  });
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);

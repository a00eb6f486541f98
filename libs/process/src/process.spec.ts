/** The handling of uncaught exceptions in a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const built = path.join(__dirname, '..', '..', '..', 'dist', 'libs', 'process', 'src', 'process.js');
/** Throws in a callback, then in a promise; says then that it is still there. */
const program = (options: string): string => `
  require(${JSON.stringify(built)}).runProcess('trial', async () => {
    setTimeout(() => { throw new Error('in a callback'); }, 50);
    setTimeout(() => void Promise.reject(new Error('in a promise')), 100);
    setTimeout(() => { process.stdout.write('still here'); process.exit(0); }, 150);
    return { stop: async () => undefined };
  }, ${options});`;

async function run(options: string): Promise<{ code: unknown; out: string }> {
  const child = spawn(process.execPath, ['-e', program(options)], { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  const [code] = (await once(child, 'close')) as unknown[];
  return { code, out };
}

test('a server logs them and goes on', async () => {
  const { code, out } = await run('{ serves: true }');
  expect(code).toBe(0);
  expect(out).toMatch(/in a callback[^]*in a promise[^]*still here/);
});
test('a process that works through operations ends, and is started again', async () => {
  expect(await run('{}')).toMatchObject({
    code: 1,
    out: expect.not.stringContaining('still here') as string,
  });
});

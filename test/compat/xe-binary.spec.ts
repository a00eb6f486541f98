/** The program `xe` itself: its settings, its files, its standard input, its exit codes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { password, startWorld, type World } from '../world';
import { startXe, xeProgram, type Ended } from '../xe-program';

let world: World, home: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  home = mkdtempSync(path.join(os.tmpdir(), 'xenplane-xe-'));
  writeFileSync(
    path.join(home, '.xe'),
    `server=127.0.0.1\nport=${new URL(world.url).port}\nusername=root\npassword=${password}\n`,
  );
});
afterAll(async () => {
  if (home) rmSync(home, { recursive: true, force: true });
  await world?.stop();
});

const xe = (words: readonly string[], input: string | Buffer = ''): Promise<Ended> =>
  xeProgram(home, words, input);

test('settings come from ~/.xe and the command line wins', async () => {
  const listed = await xe(['host-list', '--minimal']);
  expect(listed).toEqual({ code: 0, out: expect.stringMatching(/^[0-9a-f-]{36}\n$/) as string, error: '' });
  expect(await xe(['-pw', 'wrong', 'host-list'])).toEqual({
    code: 1,
    out: '',
    error: "Authentication failed\nFor usage run: 'xe help'\n",
  });
  const refused = await xe(['-p', '1', 'host-list']);
  expect([refused.code, refused.out]).toEqual([1, '']);
  expect(refused.error).toContain('Please check server and port settings.');
});

test('what is called is told when asked, at once or after a failure, and no password with it', async () => {
  const at = `127.0.0.1:${new URL(world.url).port}`;
  const told = await xe(['host-list', '--minimal', '--debug']);
  expect([told.code, told.error.split('\n')]).toEqual([
    0,
    expect.arrayContaining([`${at} session.login_with_password`, `${at} session.logout`]) as string[],
  ]);
  expect((await xe(['host-list', '--minimal', '--debug-on-fail'])).error).toBe('');
  const failed = await xe(['vm-start', 'uuid=x', '--debug-on-fail', '--traceparent', 'none']);
  expect([failed.code, failed.error.split('\n')]).toEqual([
    1,
    expect.arrayContaining(['Debug info:', `${at} session.login_with_password`]) as string[],
  ]);
  expect(told.error + failed.error).not.toContain(password);
});

test('a reader that has read enough ends it without a word', async () => {
  const child = startXe(home, ['template-list', 'params=all']);
  let error = '';
  child.stderr.on('data', (d: Buffer) => (error += d.toString()));
  child.stdout.destroy();
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect([code, error]).toEqual([141, '']);
});

test('an image becomes a template, from a file and from standard input', async () => {
  const image = Buffer.alloc(2 ** 20, 7);
  writeFileSync(path.join(home, 'disk.img'), image);
  const fromFile = await xe(['image-import', 'filename=disk.img', 'name-label=of a file']);
  const fromInput = await xe(['image-import', 'filename=-', 'name-label=of input'], image);
  for (const [run, name] of [
    [fromFile, 'of a file'],
    [fromInput, 'of input'],
  ] as const) {
    expect([run.code, run.error]).toEqual([0, '']);
    expect(
      (await xe(['template-list', `uuid=${run.out.trim()}`, 'params=name-label', '--minimal'])).out,
    ).toBe(`${name}\n`);
  }
});

test('a file of the server is saved, never over another one', async () => {
  const saved = await xe(['pool-dump-database', 'file-name=dump.xml']);
  expect(saved).toEqual({ code: 0, out: '', error: '' });
  expect(readFileSync(path.join(home, 'dump.xml'), 'utf8')).toContain('<table name="VM">');
  const again = await xe(['pool-dump-database', 'file-name=dump.xml']);
  expect([again.code, again.error]).toEqual([1, expect.stringContaining('EEXIST')]);
  expect((await xe(['pool-dump-database', 'file-name='])).out).toContain('<table name="VM">');
});

test('every command that saves a file makes a new one that only its owner may read', async () => {
  const uuidOf = async (...words: string[]): Promise<string> =>
    (await xe([...words, '--minimal'])).out.trim();
  const host = await uuidOf('host-list');
  const vm = await uuidOf('vm-install', 'template=Debian Bookworm 12', 'new-name-label=saved');
  const snapshot = await uuidOf('vm-snapshot', 'vm=saved', 'new-name-label=of saved');
  const blob = await uuidOf('blob-create', `vm-uuid=${vm}`, 'name=notes');
  writeFileSync(path.join(home, 'notes'), 'notes');
  await xe(['blob-put', `uuid=${blob}`, 'filename=notes']);
  const sr = await uuidOf('sr-list', 'type=ext');
  const vdi = await uuidOf(
    'vdi-create',
    `sr-uuid=${sr.split(',')[0] ?? ''}`,
    'name-label=saved',
    'virtual-size=1MiB',
  );
  const commands: Readonly<Record<string, readonly string[]>> = {
    'saved.xva': ['vm-export', 'vm=saved', 'filename=saved.xva'],
    'snapshot.xva': ['snapshot-export-to-template', `snapshot-uuid=${snapshot}`, 'filename=snapshot.xva'],
    'metadata.xva': ['vm-export', 'vm=saved', 'metadata=true', 'filename=metadata.xva'],
    'disk.raw': ['vdi-export', `uuid=${vdi}`, 'filename=disk.raw'],
    'notes.copy': ['blob-get', `uuid=${blob}`, 'filename=notes.copy'],
    'host.backup': ['host-backup', `host=${host}`, 'file-name=host.backup'],
    'status.tar': [
      'host-get-system-status',
      `uuid=${host}`,
      'entries=xen-info',
      'output=tar',
      'filename=status.tar',
    ],
    'audit.log': ['audit-log-get', 'filename=audit.log'],
    'database.xml': ['pool-dump-database', 'file-name=database.xml'],
  };
  for (const [file, words] of Object.entries(commands)) {
    const { code, error } = await xe(words);
    expect([file, code, error]).toEqual([file, 0, '']);
    const { mode, size } = statSync(path.join(home, file));
    expect([file, (mode & 0o777).toString(8)]).toEqual([file, '600']);
    expect([file, (await xe(words)).code, statSync(path.join(home, file)).size]).toEqual([file, 1, size]);
  }
}, 300_000);

test('a question is asked on the terminal and its answer counts', async () => {
  await xe(['vm-install', 'template=Debian Bookworm 12', 'new-name-label=asked']);
  expect((await xe(['vm-uninstall', 'vm=asked'], 'no\n')).out).toContain("Aborted (you typed: 'no')");
  expect((await xe(['vm-uninstall', 'vm=asked'], 'yes\n')).out).toContain('All objects destroyed');
  expect((await xe(['vm-list', 'name-label=asked', '--minimal'])).out).toBe('\n');
});

test('help needs no server, and the completion is a script that bash takes', async () => {
  expect((await xe(['-s', '127.0.0.2', '-p', '1', 'help'])).out).toMatch(/^Usage:\n {2}xe <command>/);
  const { out } = await xe(['completion', 'bash']);
  writeFileSync(
    path.join(home, 'complete.sh'),
    `${out}\nCOMP_WORDS=(xe vm-sta); COMP_CWORD=1; _xe; echo "\${COMPREPLY[@]}"`,
  );
  const bash = spawn('bash', [path.join(home, 'complete.sh')]);
  let said = '';
  bash.stdout.on('data', (d: Buffer) => (said += d.toString()));
  expect(await new Promise((resolve) => bash.once('close', resolve))).toBe(0);
  expect(said).toBe('vm-start\n');
});

import fc from 'fast-check';
import { terminal } from '@xenplane/domain';
import { bootText, type GuestFacts } from './boot';
import { newSession, sessionIn, shortened, type, written } from './session';

const { screenOf } = terminal;
const facts: GuestFacts = {
  name: 'My Web Server!',
  system: 'Debian GNU/Linux 12 (bookworm)',
  kernel: '6.1.0-25-amd64',
  vcpus: 2,
  memoryBytes: 2 ** 31,
  nics: [{ device: '0', mac: '02:00:00:00:00:01', address: '10.1.2.3' }],
  disks: ['xvda'],
  isUp: false,
};

test('a guest boots: later texts begin with the earlier ones, and end in the login', () => {
  const times = [0, 0.5, 1, 1.6, 2.7, 4, 6, 7.9, 8, 100];
  const texts = times.map((t) => written(newSession, facts, t).text);
  texts.reduce((a, b) => {
    expect(b.startsWith(a)).toBe(true);
    return b;
  });
  expect(texts[0]).toContain('2 processor(s), 2048 MiB');
  expect(texts[4]).toContain('Linux version 6.1.0-25-amd64');
  expect(texts[7]).not.toContain('login:');
  expect(texts[8]).toMatch(/my-web-server login: $/);
  expect(written(newSession, { ...facts, isUp: true }, 0).text).toBe(texts[9]);
  expect(bootText(facts, 3).done).toBe(false);
});

const after = (typed: string, seconds = 90_000): string =>
  written(type(newSession, facts, typed, seconds), facts, seconds).text;

test.each([
  ['hostname', 'my-web-server\n'],
  ['uptime', ' up 1 day, 1:00,  1 user\n'],
  ['free', 'Mem:         2097152      734003      943719      419430     1363149\n'],
  ['ip a', 'inet 10.1.2.3/8 scope global eth0\n'],
  ['uname -a', 'Linux my-web-server 6.1.0-25-amd64 x86_64 GNU/Linux\n'],
  ['whoami', 'root\n'],
  ['echo  a   b', 'a b\n'],
  ['toString', 'sh: toString: not found\n'],
  ['reboot', 'use VM.clean_reboot\n'],
  ['', ''],
])('the shell answers %s', (command, says) => {
  const text = after(`root\rsecret\r${command}\r`);
  expect(text).not.toContain('secret');
  expect(text.endsWith('\nroot@my-web-server:~# ')).toBe(true);
  expect(text).toContain(says);
  expect(text).toContain(`# ${command}\n`);
});

test('lines are edited, given up and left', () => {
  expect(after('rootx\x7f\rpw\rhostx\x7fname\r')).toMatch(/name\nmy-web-server\n/);
  expect(after('ro\x03')).toMatch(/login: ro\^C\nmy-web-server login: $/);
  expect(after('root\rpw\rwho\x03')).toMatch(/# who\^C\nroot@my-web-server:~# $/);
  expect(after('u\r\r\x04')).toMatch(/logout\n\nDebian.*login: $/s);
  expect(after('u\r\rexit\r')).toMatch(/login: $/);
  expect(screenOf(after('u\r\rclear\r'), 80, 25).lines).toEqual(['u@my-web-server:~$']);
  expect(screenOf(after('root\r\rab\x7fc'), 80, 25).lines.at(-1)).toBe('root@my-web-server:~# ac');
  expect(type(newSession, facts, 'early', 3)).toBe(newSession);
});

test('whatever is typed, what is kept is bounded and positions only grow', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary-ascii', maxLength: 40 }), { maxLength: 40 }), (pieces) => {
      let session = type(newSession, facts, 'root\r\r', 100);
      let end = 0;
      for (const piece of pieces) {
        session = type(session, facts, `${piece}\rhelp\rfree\r`.repeat(20), 100);
        const { from, text } = written(session, facts, 100);
        expect(from + text.length).toBeGreaterThanOrEqual(end);
        end = from + text.length;
        expect(text.length).toBeLessThan(40_000);
      }
    }),
    { numRuns: 20 },
  );
});

test('a session goes with the memory of its guest, to a bound; nothing else is taken for one', () => {
  const typed = type(newSession, facts, `root\rpw\r${'help\r'.repeat(300)}`, 100);
  const saved = shortened(typed);
  expect(saved.output.length).toBe(4_096);
  const back = sessionIn(JSON.parse(JSON.stringify(saved)));
  expect(back).toEqual(saved);
  const [before, after_] = [typed, back ?? newSession].map((s) => written(s, facts, 100));
  expect((after_?.from ?? 0) + (after_?.text.length ?? 0)).toBe(
    newSession.dropped + (before?.from ?? 0) + (before?.text.length ?? 0),
  );
  for (const none of [undefined, null, 7, {}, { ...saved, phase: 'other' }, { ...saved, output: 1 }])
    expect(sessionIn(none)).toBeUndefined();
});

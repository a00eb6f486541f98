import { FailedLoginCounter } from './failed-logins';

test('failed logins by clients, told once; those that are too many to be kept count of are unknown', () => {
  const logins = new FailedLoginCounter();
  expect(logins.take()).toBeUndefined();
  const at = new Date('2026-01-02T03:04:05Z');
  for (const username of Array.from({ length: 1001 }, (_, i) => `made up ${i}`))
    logins.note({ username, originator: '' }, at);
  for (let n = 0; n < 2; n += 1) logins.note({ username: 'made up 7', originator: '' }, at);
  logins.note({ username: '', originator: 'x'.repeat(1000) }, at);
  const [, total, , worst, number, date, ...rest] = (logins.take() ?? '').split('\n');
  expect([total, worst, number, date]).toEqual([
    '<total>1004</total>',
    '<username>made up 7</username>',
    '<number>3</number>',
    '<date>20260102T03:04:05Z</date>',
  ]);
  expect(rest.at(-2)).toBe('<unknown>2</unknown>');
  expect(logins.take()).toBeUndefined();
});

import fc from 'fast-check';
import { snapshotSchedule } from '@xenplane/domain';

const at = (text: string): number => Date.parse(`2026-11-${text}Z`);

test.each([
  ['hourly', {}, '10T10:05:00', '10T10:00:00'],
  ['hourly', { min: '30' }, '10T10:05:00', '10T09:30:00'],
  ['daily', { hour: '23', min: '45' }, '10T10:05:00', '09T23:45:00'],
  ['daily', { hour: '3' }, '10T10:05:00', '10T03:00:00'],
  ['weekly', { days: 'Monday,friday', hour: '1', min: '15' }, '10T10:05:00', '09T01:15:00'],
  ['weekly', { days: 'Tuesday', hour: '12' }, '10T10:05:00', '03T12:00:00'],
] as const)('%s %j at %s was last due at %s', (frequency, schedule, now, due) => {
  expect(snapshotSchedule.lastDue(frequency, schedule, at(now))).toEqual(at(due));
});

test('it is due once, for a short while', () => {
  const due = (last: string, now: string): boolean =>
    snapshotSchedule.isDue('hourly', { min: '15' }, at(last), at(now));
  expect([
    due('10T09:15:05', '10T10:14:59'),
    due('10T09:15:05', '10T10:15:00'),
    due('10T10:15:00', '10T10:15:30'),
    due('10T09:15:05', '10T10:21:00'),
  ]).toEqual([false, true, false, false]);
});

test('the last due moment is never after now, and never further back than the frequency says', () => {
  const most = { hourly: 3_600_000, daily: 86_400_000, weekly: 7 * 86_400_000 };
  fc.assert(
    fc.property(
      fc.constantFrom('hourly' as const, 'daily' as const, 'weekly' as const),
      fc.constantFrom('0', '15', '30', '45'),
      fc.integer({ min: 0, max: 23 }),
      fc.constantFrom('monday', 'sunday', 'wednesday'),
      fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2040-01-01') }),
      (frequency, min, hour, days, now) => {
        const age = now - snapshotSchedule.lastDue(frequency, { min, hour: String(hour), days }, now);
        return age >= 0 && age < most[frequency];
      },
    ),
  );
});

test.each([
  [{ second: '1' }, ['schedule', 'second']],
  [{ min: '7' }, ['schedule:min', '7']],
  [{ hour: '24' }, ['schedule:hour', '24']],
  [{ days: 'someday' }, ['schedule:days', 'someday']],
] as const)('%j is no schedule', (schedule, params) => {
  expect(() => snapshotSchedule.complete('weekly', schedule)).toThrow(
    expect.objectContaining({ code: 'INVALID_VALUE', params }),
  );
});

test('what is missing has its default, what the frequency does not need goes', () => {
  expect(snapshotSchedule.complete('hourly', { hour: '4' })).toEqual({ min: '0' });
  expect(snapshotSchedule.complete('weekly', { hour: '4' })).toEqual({ min: '0', hour: '4', days: 'monday' });
});

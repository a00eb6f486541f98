/** When a snapshot schedule is due. Times of day are UTC. */
import { XenError, type StoredRecord } from '@xenplane/model';

type Schedule = Readonly<Record<string, string>>;
export type Frequency = StoredRecord<'VMSS'>['frequency'];
const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const wholeDays = (text: string): boolean =>
  text.split(',').every((day) => days.includes(day.trim().toLowerCase()));
/** The keys that there are, what each may say, and what it says when it is not given. */
const keys: Readonly<
  Record<string, { readonly fits: (text: string) => boolean; readonly otherwise: string }>
> = {
  min: { fits: (text) => ['0', '15', '30', '45'].includes(text), otherwise: '0' },
  hour: { fits: (text) => /^\d{1,2}$/.test(text) && Number(text) < 24, otherwise: '0' },
  days: { fits: wholeDays, otherwise: 'monday' },
};
const needed: Readonly<Record<Frequency, readonly string[]>> = {
  hourly: ['min'],
  daily: ['min', 'hour'],
  weekly: ['min', 'hour', 'days'],
};
export const mostRetained = 10;

/** The schedule with all that its frequency needs, and nothing else; INVALID_VALUE names what cannot be. */
export function complete(frequency: Frequency, given: Schedule): Record<string, string> {
  for (const [key, value] of Object.entries(given)) {
    const known = keys[key];
    if (!known) throw new XenError('INVALID_VALUE', 'schedule', key);
    if (!known.fits(value)) throw new XenError('INVALID_VALUE', `schedule:${key}`, value);
  }
  return Object.fromEntries(needed[frequency].map((key) => [key, given[key] ?? keys[key]?.otherwise ?? '']));
}

export function refuseRetained(count: number): XenError | undefined {
  return count < 1 || count > mostRetained
    ? new XenError('INVALID_VALUE', 'retained_snapshots', String(count))
    : undefined;
}

const minuteMs = 60_000,
  hourMs = 60 * minuteMs,
  dayMs = 24 * hourMs;

/** The last moment, not after `now`, at which the schedule was due; both in milliseconds since 1970. */
export function lastDue(frequency: Frequency, given: Schedule, now: number): number {
  const schedule = complete(frequency, given);
  const minutes = Number(schedule['min'] ?? 0) * minuteMs;
  if (frequency === 'hourly') return stepBack(Math.floor(now / hourMs) * hourMs + minutes, hourMs, now);
  const today = Math.floor(now / dayMs) * dayMs;
  const due = stepBack(today + Number(schedule['hour'] ?? 0) * hourMs + minutes, dayMs, now);
  const wanted = (schedule['days'] ?? '').split(',').map((day) => days.indexOf(day.trim().toLowerCase()));
  const since = Array.from({ length: days.length }, (_, i) => i).find((i) =>
    wanted.includes(weekday(due - i * dayMs)),
  );
  return frequency === 'weekly' ? due - (since ?? 0) * dayMs : due;
}
const stepBack = (time: number, by: number, now: number): number => (time > now ? time - by : time);
/** 1970 began on a Thursday. */
const weekday = (time: number): number => (Math.floor(time / dayMs) + days.indexOf('thursday')) % days.length;

/** How late a schedule may still be followed. */
export const windowMs = 5 * minuteMs;

/** True if it is due now and has not run since it was. */
export function isDue(frequency: Frequency, schedule: Schedule, lastRun: number, now: number): boolean {
  const due = lastDue(frequency, schedule, now);
  return lastRun < due && now - due < windowMs;
}

import fc from 'fast-check';
import { isClassName, messages, storedClasses } from '@xenplane/model';
import { coalesce, everything, Ring, silent, type Logged, type Op } from './events';
import { knows, ofSnapshot, type Position } from './position';

let seq = 0;
const logged = (xid: number, op: Op, ref = 'a'): Logged => ({ xid, seq: (seq += 1), cls: 'VM', ref, op });
const all = (): boolean => true;

test.each<[Op[], boolean, string[]]>([
  [['a'], true, ['add']],
  [['a', 'm', 'm'], true, ['add']],
  [['m', 'm'], true, ['mod']],
  [['d'], false, ['del']],
  [['m', 'd'], false, ['del']],
  [['d', 'm'], false, ['del']],
  [['a', 'd'], false, []],
  [['a', 'm', 'd', 'm'], false, []],
  [['d', 'a'], true, ['mod']],
  [['a'], false, []],
  [['m'], false, []],
])('%s of an object that is there: %s, make %s', (ops, present, expected) => {
  const changes = coalesce(
    ops.map((op, i) => logged(10 + i, op)),
    all,
    () => present,
  );
  expect(changes.map((c) => c.op)).toEqual(expected);
});

test('for one object the order of rows counts, not that of transaction numbers', () => {
  const made = logged(11, 'a'),
    deleted = logged(10, 'd');
  expect(coalesce([deleted, made], all, () => false)).toEqual([]);
});

test('adds come first, then mods, then dels; only what is wanted', () => {
  const log = [
    logged(1, 'd', 'gone'),
    logged(2, 'm', 'moved'),
    logged(3, 'a', 'new'),
    logged(4, 'a', 'unwanted'),
  ];
  const changes = coalesce(
    log,
    (_cls, ref) => ref !== 'unwanted',
    (_cls, ref) => ref !== 'gone',
  );
  expect(changes.map((c) => `${c.op} ${c.ref} ${c.xid}`)).toEqual(['add new 3', 'mod moved 2', 'del gone 1']);
});

test('the ring answers every position from its start on as if it had kept everything, whatever the order in which transactions end', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 4 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (parts, capacity) => {
      const ring = new Ring(capacity),
        kept: Logged[] = [];
      let ended = new Set<number>(),
        last = 0;
      const position = (): Position => {
        let base = 1;
        while (ended.has(base)) base += 1;
        return ofSnapshot(
          `${base}:${last + 1}:${Array.from({ length: last }, (_, i) => i + 1).filter((xid) => !ended.has(xid))}`,
        );
      };
      const before = [position()];
      for (const [behind, rows] of parts) {
        // One that began up to six transactions ago, or the next.
        const free = Array.from({ length: last + 1 }, (_, i) => i + 1).filter(
          (xid) => !ended.has(xid) && xid + behind > last,
        );
        const xid = free[0] ?? last + 1;
        last = Math.max(last, xid);
        ended = new Set(ended).add(xid);
        const settled = Array.from({ length: rows }, () => logged(xid, 'm'));
        kept.push(...settled);
        ring.append(settled);
        before.push(position());
        for (const from of before.filter(({ base }) => base >= ring.start)) {
          const unknown = kept
            .filter((k) => !knows(from, k.xid))
            .sort((a, b) => a.xid - b.xid || a.seq - b.seq);
          expect(ring.since(from)).toEqual(unknown);
          expect(ring.isAfter(from)).toBe(unknown.length > 0);
        }
      }
    }),
  );
});

test('who was away longer than the log is kept is told of everything', () => {
  const known = coalesce([logged(5, 'a', 'new'), logged(6, 'd', 'gone')], all, (_cls, ref) => ref !== 'gone');
  const told = everything(
    known,
    [
      ['VM', 'new'],
      ['VM', 'old'],
    ],
    9n,
  );
  expect(told.map((c) => `${c.op} ${c.ref}`)).toEqual(['add new', 'mod old', 'del gone']);
});

test('what not everybody may read makes no events', () => {
  const guarded = storedClasses
    .filter(({ name }) => messages.get(`${name}.get_record`)?.role !== 'read-only')
    .map(({ name }) => name);
  expect(guarded).toContain('secret');
  expect(guarded.filter((name) => !isClassName(name) || !silent.has(name))).toEqual([]);
});

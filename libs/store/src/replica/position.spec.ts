import fc from 'fast-check';
import {
  ahead,
  asToken,
  beginning,
  knows,
  ofSnapshot,
  ofToken,
  span,
  union,
  type Position,
} from './position';

/** A moment of a server: where its lower end is, and which of the next transactions have ended. */
const moment = fc.record({
  base: fc.integer({ min: 1, max: 1_000_000 }),
  ended: fc.array(fc.boolean(), { maxLength: 2 * span }),
});
const snapshotOf = ({ base, ended }: { base: number; ended: boolean[] }): string =>
  `${base}:${base + ended.length}:${ended.flatMap((is, i) => (is ? [] : [base + i]))}`;
const position = moment.map((m) => ofSnapshot(snapshotOf(m)));
const near = ({ base }: Position): number[] =>
  Array.from({ length: 3 * span }, (_, i) => base - span + i).filter((xid) => xid >= 0);

test('a position knows what its snapshot saw, as far as it reaches', () => {
  fc.assert(
    fc.property(moment, ({ base, ended }) => {
      const made = ofSnapshot(snapshotOf({ base, ended }));
      for (const xid of near(made))
        expect(knows(made, xid)).toBe(xid < base || (xid < base + span && ended[xid - base] === true));
      expect(ahead(made)).toEqual(near(made).filter((xid) => xid >= base && knows(made, xid)));
    }),
  );
});

test('what is known to have ended here counts, whatever others have under way', () => {
  const made = ofSnapshot('10:200:10,150', 140);
  expect([139, 140, 149, 150, 151, 199, 200].map((xid) => knows(made, xid))).toEqual([
    true,
    true,
    true,
    false,
    true,
    true,
    false,
  ]);
});

test('a token is the position again, and a later one is a greater text', () => {
  fc.assert(
    fc.property(position, (made) => {
      const token = asToken(made);
      expect(token).toMatch(/^\d{20},\d{20}$/);
      expect(ofToken(token)).toEqual(made);
      expect(made.seen).toBeLessThan(2n ** 63n);
    }),
  );
  fc.assert(
    fc.property(position, position, (one, other) => {
      const both = union(one, other);
      expect(asToken(both) >= asToken(one)).toBe(true);
      for (const xid of near(both))
        expect(knows(both, xid)).toBe(
          xid < both.base || ((knows(one, xid) || knows(other, xid)) && xid < both.base + span),
        );
    }),
  );
});

test.each(['1', '1,', ',1', '1,2,3', '-1,0', 'a,b', '1.5,0', `${'1'.repeat(21)},0`])(
  '%s is no token',
  (text) => {
    expect(ofToken(text)).toBeUndefined();
  },
);
test('the empty one is the beginning; one beyond all numbers is of the future', () => {
  expect(ofToken('')).toEqual(beginning);
  const far = ofToken(`${'9'.repeat(20)},${'9'.repeat(20)}`);
  expect(far && knows(far, 2 ** 52)).toBe(true);
});

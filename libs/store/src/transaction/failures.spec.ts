import { DatabaseAway, failureOf } from './failures';
import { CommitUnknown, TooBusy } from './transaction';

const coded = (code: string, message = 'words of the server'): Error =>
  Object.assign(new Error(message), { code });

test.each([
  [coded('57P03', 'the database system is starting up'), 'away'],
  [coded('57P01', 'terminating connection due to administrator command'), 'away'],
  [coded('57P02'), 'away'],
  [coded('08006'), 'away'],
  [new DatabaseAway(coded('ECONNREFUSED')), 'away'],
  [new TooBusy(coded('ECONNRESET')), 'away'],
  [new TooBusy(new Error('Connection terminated unexpectedly')), 'away'],
  [new DatabaseAway(coded('53100')), 'full'],
  [coded('25006', 'cannot execute UPDATE in a read-only transaction'), 'full'],
  [coded('53100', 'could not extend file'), 'full'],
  [coded('XX000', 'could not write: No space left on device'), 'full'],
  [coded('53300', 'sorry, too many clients already'), 'busy'],
  [coded('53200'), 'busy'],
  [coded('57014'), 'busy'],
  [new Error('timeout exceeded when trying to connect'), 'busy'],
  [new TooBusy(coded('40001')), 'busy'],
  [new TooBusy(coded('53100')), 'full'],
  [new TooBusy(coded('57P03')), 'away'],
  [new CommitUnknown(coded('ECONNRESET')), 'unknown'],
  [coded('23505', 'duplicate key'), undefined],
  [coded('54000', 'index row size'), undefined],
  [coded('ECONNREFUSED', 'of an agent'), undefined],
  [new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }), undefined],
  [new Error('anything else'), undefined],
  ['a text', undefined],
])('%s is %s', (error, failure) => {
  expect(failureOf(error)).toBe(failure);
});

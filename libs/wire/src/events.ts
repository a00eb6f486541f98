/** Batches of events. A snapshot is a record, or its JSON, ready. */
import { spell } from '@xenplane/model';
import { snapshotCodec } from './any-record';
import { entriesOf, intCodec, memberXml, stringCodec, structXml, type Codec, type CodecFor } from './codec';
import type { Piece } from './text';
import { textOf } from './text';
import { emptyStruct, isStruct, wrongType } from './untyped';

function asStruct(value: unknown): Readonly<Record<string, unknown>> {
  if (!isStruct(value)) throw wrongType('struct', value);
  return value;
}
function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType('array', value);
  return value;
}

const texts = ['id', 'timestamp', 'class', 'operation', 'ref'] as const;
type Write = (value: unknown) => string;
/** Names and what is written of their values, in the order that clients know. */
const textMembers = (event: Readonly<Record<string, unknown>>, write: Write): (readonly [string, string])[] =>
  texts.map((name) => [name, write(event[name])]);

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
/** A snapshot that is ready, as text. */
const asSnapshot = (value: unknown): unknown => (isBytes(value) ? textOf(value) : value);
const commonJson = (event: Readonly<Record<string, unknown>>): string =>
  textMembers(event, stringCodec.json)
    .map(([name, text]) => `"${name}":${text}`)
    .join(',');

function eventJson(value: unknown, codecFor: CodecFor): string {
  const event = asStruct(value);
  const own = commonJson(event);
  if (event['snapshot'] === undefined) return `{${own}}`;
  return `{${own},"snapshot":${snapshotCodec(event['class'], codecFor).json(asSnapshot(event['snapshot']))}}`;
}

function eventXml(value: unknown, codecFor: CodecFor): string {
  const event = asStruct(value);
  const own = textMembers(event, stringCodec.xml)
    .map(([name, text]) => memberXml(name, text))
    .join('');
  return event['snapshot'] === undefined
    ? structXml(own)
    : structXml(
        own +
          memberXml('snapshot', snapshotCodec(event['class'], codecFor).xml(asSnapshot(event['snapshot']))),
      );
}

/** The snapshot becomes JSON in the model's order, as a batch holds it. */
function decodeEvent(value: unknown, codecFor: CodecFor): Record<string, unknown> {
  const struct = asStruct(value);
  const event: Record<string, unknown> = Object.fromEntries(
    texts.map((name) => [name, stringCodec.decode(struct[name])]),
  );
  if (!('snapshot' in struct)) return event;
  const codec = snapshotCodec(event['class'], codecFor);
  return { ...event, snapshot: codec.json(codec.decode(struct['snapshot'])) };
}

function decodeCounts(value: unknown): Record<string, number> {
  const counts = emptyStruct<number>();
  for (const [name, count] of Object.entries(asStruct(value))) counts[name] = Number(intCodec.decode(count));
  return counts;
}
const countsJson = (counts: unknown): string =>
  `{${Array.from(entriesOf(counts), ([name, count]) => `${JSON.stringify(name)}:${intCodec.json(count)}`).join(',')}}`;
/** Of all integers only these are typed in XML: clients calculate with them. */
const countsXml = (counts: unknown): string =>
  structXml(
    Array.from(entriesOf(counts), ([name, count]) =>
      memberXml(name, `<value><i4>${intCodec.json(count)}</i4></value>`),
    ).join(''),
  );

/** A batch that many readers are given is written once, for as long as it is kept. */
function once(write: (batch: Readonly<Record<string, unknown>>) => string): Write {
  const written = new WeakMap<object, string>();
  return (value) => {
    const batch = asStruct(value),
      text = written.get(batch) ?? write(batch);
    written.set(batch, text);
    return text;
  };
}

/** The answer of event.from. */
export const eventBatchCodec = (codecFor: CodecFor): Codec => ({
  decode(value) {
    if (!isStruct(value)) throw wrongType(spell({ kind: 'eventBatch' }), value);
    const events = asArray(value['events']).map((event) => decodeEvent(event, codecFor));
    return {
      events,
      valid_ref_counts: decodeCounts(value['valid_ref_counts']),
      token: stringCodec.decode(value['token']),
    };
  },
  json: once(({ events, valid_ref_counts: counts, token }) => {
    return `{"events":[${asArray(events)
      .map((event) => eventJson(event, codecFor))
      .join(',')}],"valid_ref_counts":${countsJson(counts)},"token":${stringCodec.json(token)}}`;
  }),
  xml: once(({ events, valid_ref_counts: counts, token }) => {
    const list = asArray(events)
      .map((event) => eventXml(event, codecFor))
      .join('');
    return structXml(
      memberXml('events', `<value><array><data>${list}</data></array></value>`) +
        memberXml('valid_ref_counts', countsXml(counts)) +
        memberXml('token', stringCodec.xml(token)),
    );
  }),
});

/** The text before the events of a batch, between them, and behind them. */
const frames = {
  json: {
    head: '{"events":[',
    comma: ',',
    tail: (counts: unknown, token: unknown) =>
      `],"valid_ref_counts":${countsJson(counts)},"token":${stringCodec.json(token)}}`,
  },
  xml: {
    head: '<value><struct><member><name>events</name><value><array><data>',
    comma: '',
    tail: (counts: unknown, token: unknown) =>
      `</data></array></value></member>${memberXml('valid_ref_counts', countsXml(counts))}${memberXml('token', stringCodec.xml(token))}</struct></value>`,
  },
} as const;

/** Events of a batch that others may be given too are written once. */
const mostKept = 500;
const keptXml = new WeakMap<object, string>();
function xmlOnce(event: object, codecFor: CodecFor): string {
  const written = keptXml.get(event) ?? eventXml(event, codecFor);
  keptXml.set(event, written);
  return written;
}

/** The texts of a large batch, event by event; snapshots that are ready as bytes go through as they are. */
export function* batchPieces(wire: 'json' | 'xml', value: unknown, codecFor: CodecFor): Generator<Piece> {
  const { events, valid_ref_counts: counts, token } = asStruct(value);
  const { head, comma, tail } = frames[wire],
    all = asArray(events);
  yield head;
  for (const [i, event] of all.entries()) {
    if (i > 0) yield comma;
    if (wire === 'xml')
      yield all.length > mostKept ? eventXml(event, codecFor) : xmlOnce(asStruct(event), codecFor);
    else yield* eventJsonPieces(asStruct(event), codecFor);
  }
  yield tail(counts, token);
}
function* eventJsonPieces(event: Readonly<Record<string, unknown>>, codecFor: CodecFor): Generator<Piece> {
  const { snapshot } = event;
  if (!isBytes(snapshot)) return yield eventJson(event, codecFor);
  yield `{${commonJson(event)},"snapshot":`;
  yield snapshot;
  yield '}';
}

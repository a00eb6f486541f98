/** Records whose class is known only at run time: by the class that their event names, else by the look of their values. */
import { classNames } from '@xenplane/model';
import { memberXml, structXml, type Codec, type CodecFor } from './codec';
import { escapeXml } from './text';
import { emptyStruct, isStruct, Scalar, wrongType } from './untyped';

const byLowerCase = new Map<unknown, string>(classNames.map((name) => [name.toLowerCase(), name]));

/** The codec of a record of the class that an event names, in lower case. */
export function snapshotCodec(cls: unknown, codecFor: CodecFor): Codec {
  const name = byLowerCase.get(cls);
  return name === undefined ? anyRecordCodec : codecFor({ kind: 'record', cls: name });
}

/** A value as it came, without the types that it was sent with. */
export function plainOf(value: unknown): unknown {
  if (value instanceof Scalar) return value.text;
  if (Array.isArray(value)) return value.map(plainOf);
  if (!isStruct(value)) return value;
  const record = emptyStruct<unknown>();
  for (const [name, member] of Object.entries(value)) record[name] = plainOf(member);
  return record;
}

function xml(value: unknown): string {
  if (typeof value === 'boolean') return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
  if (typeof value === 'number' && !Number.isInteger(value))
    return `<value><double>${value}</double></value>`;
  if (Array.isArray(value)) return `<value><array><data>${value.map(xml).join('')}</data></array></value>`;
  if (isStruct(value))
    return structXml(
      Object.entries(value)
        .map(([name, member]) => memberXml(name, xml(member)))
        .join(''),
    );
  return `<value>${escapeXml(String(value ?? ''))}</value>`;
}

export const anyRecordCodec: Codec = {
  decode(value) {
    if (!isStruct(value)) throw wrongType('struct', value);
    return plainOf(value);
  },
  json: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  xml: (value) => xml(typeof value === 'string' ? JSON.parse(value) : value),
};

/** `ova.xml`: what an export says of its objects, one XML-RPC value. It is written without an XML declaration and read with or without one. */
import { classNamed, isClassName, XenError, type ClassName } from '@xenplane/model';
import { escapeXml, textOf } from '../text';
import { isStruct, Scalar, type Untyped } from '../untyped';
import { decode, encodeXml } from '../values';
import { parseValue } from '../xmlrpc';

export const ovaName = 'ova.xml';
export const ovaBytes = 64 * 2 ** 20;
/** Of the layout; a reader refuses later ones. */
export const exportVersion = 2;

export interface OvaVersion {
  readonly hostname: string;
  readonly date: string;
  readonly product_version: string;
  readonly product_brand: string;
  readonly build_number: string;
  readonly xapi_major: number;
  readonly xapi_minor: number;
}
export interface OvaObject<N extends ClassName = ClassName> {
  readonly class: N;
  /** `Ref:<number>`, by which the others name it. */
  readonly id: string;
  readonly snapshot: Readonly<Record<string, unknown>>;
}
export interface Ova {
  readonly version: Readonly<Record<string, string>>;
  readonly objects: readonly OvaObject[];
}

const member = (name: string, value: string): string => `<member><name>${name}</name>${value}</member>`;
const plain = (value: string | number): string => `<value>${escapeXml(String(value))}</value>`;
const struct = (members: readonly string[]): string => `<value><struct>${members.join('')}</struct></value>`;

export function writeOva(version: OvaVersion, objects: readonly OvaObject[]): Uint8Array {
  const versions = Object.entries({ ...version, export_vsn: exportVersion }).map(([name, value]) =>
    member(name, plain(value)),
  );
  const all = objects.map(({ class: cls, id, snapshot }) =>
    struct([
      member('class', plain(cls)),
      member('id', plain(id)),
      member('snapshot', encodeXml({ kind: 'record', cls }, snapshot)),
    ]),
  );
  const body = struct([
    member('version', struct(versions)),
    member('objects', `<value><array><data>${all.join('')}</data></array></value>`),
  ]);
  return new TextEncoder().encode(body);
}

/** Objects of classes that we do not know are left out. */
export function readOva(bytes: Uint8Array): Ova {
  const value = parseValue(textOf(bytes));
  const version = isStruct(value) && isStruct(value['version']) ? value['version'] : undefined;
  const objects = isStruct(value) ? value['objects'] : undefined;
  if (!version || !Array.isArray(objects))
    throw new XenError('IMPORT_ERROR', `${ovaName} describes no export`);
  const texts = Object.fromEntries(Object.entries(version).map(([name, v]) => [name, textIn(v)]));
  if (!(Number(texts['export_vsn'] ?? 0) <= exportVersion)) throw new XenError('IMPORT_INCOMPATIBLE_VERSION');
  return { version: texts, objects: objects.flatMap(readObject) };
}

const textIn = (value: Untyped): string =>
  value instanceof Scalar ? value.text : typeof value === 'string' ? value : '';

function readObject(value: Untyped): OvaObject[] {
  if (!isStruct(value)) throw new XenError('IMPORT_ERROR', `${ovaName} has an object that is none`);
  const cls = textIn(value['class'] ?? ''),
    id = textIn(value['id'] ?? '');
  if (!isClassName(cls) || classNamed(cls).name !== cls) return [];
  return [
    {
      class: cls,
      id,
      snapshot: decode({ kind: 'record', cls }, value['snapshot']) as Record<string, unknown>,
    },
  ];
}

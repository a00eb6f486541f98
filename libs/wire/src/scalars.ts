/** Numbers and dates: from the texts that clients send to the values of the model, and back. Nothing is rounded unseen. */
import { XenError } from '@xenplane/model';
import { Scalar, wrongType } from './untyped';

const int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

/** An int from its digits. INTERNAL_ERROR when it is none of 64 bits, INVALID_VALUE when a number cannot hold it exactly. */
function intOf(text: string, value: unknown): number {
  if (!/^[+-]?\d{1,20}$/.test(text)) throw wrongType('int', value);
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number + 0;
  const exact = BigInt(text.replace('+', ''));
  if (exact < int64.least || exact > int64.most) throw wrongType('int of 64 bits', value);
  if (BigInt(number) !== exact) throw new XenError('INVALID_VALUE', 'int', text);
  return number;
}

/** An int element, a decimal text, or a JSON number without a fraction. */
export function readInt(value: unknown): number {
  if (typeof value === 'string') return intOf(value, value);
  if (value instanceof Scalar && value.tag === 'int') return intOf(value.text, value);
  if (typeof value === 'number' && Number.isInteger(value)) return intOf(String(BigInt(value)), value);
  throw wrongType('int', value);
}

/** The digits of an int; beyond 2^53 those of the number's exact value. */
export function intText(value: unknown): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) {
    const exact = BigInt(value);
    if (exact >= int64.least && exact <= int64.most) return String(exact);
  }
  throw new TypeError(`an int of 64 bits was expected, not ${typeof value} ${String(value)}`);
}

const longestFloat = 400;
const floatForm = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/;

/** A double or int element, a decimal text, or a JSON number; never infinite and never no number. */
export function readFloat(value: unknown): number {
  const number = floatOf(value);
  if (!Number.isFinite(number)) throw wrongType('float', value);
  return number + 0;
}
function floatOf(value: unknown): number {
  if (typeof value === 'number') return value;
  const text =
    value instanceof Scalar && (value.tag === 'double' || value.tag === 'int') ? value.text : value;
  return typeof text === 'string' && text.length <= longestFloat && floatForm.test(text)
    ? Number(text)
    : Number.NaN;
}

function asFloat(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`a float was expected, not ${typeof value}`);
}
/** JSON has no way to say that there is no number but null. */
export const floatJson = (value: unknown): string => JSON.stringify(asFloat(value) + 0);
const significantDigits = 16;
/** As printf's %.16g. */
export function floatXml(value: unknown): string {
  const number = asFloat(value);
  if (Number.isNaN(number)) return 'nan';
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
  return String(Number(number.toPrecision(significantDigits)));
}

const longestDate = 40;
const dateForm = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):?(\d\d)?)?$/;

/** `YYYYMMDDTHH:MM:SSZ` from a dateTime or a text, with or without dashes, fraction and zone; without a zone it is UTC. */
export function readDate(value: unknown): string {
  const text = value instanceof Scalar && value.tag === 'dateTime' ? value.text : value;
  const parts = typeof text === 'string' && text.length <= longestDate ? dateForm.exec(text) : null;
  const date = parts ? instant(parts) : undefined;
  if (date === undefined) throw wrongType('datetime', value);
  return date;
}

/** Undefined for a date that is on no calendar. */
function instant([
  ,
  year,
  month,
  day,
  hours,
  minutes,
  seconds,
  sign,
  zoneHours,
  zoneMinutes,
]: RegExpExecArray): string | undefined {
  const local = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  if (Number.isNaN(local.getTime()) || local.getUTCDate() !== Number(day)) return undefined;
  if (sign === undefined) return `${year}${month}${day}T${hours}:${minutes}:${seconds}Z`;
  const offsetMinutes = (Number(zoneHours) * 60 + Number(zoneMinutes ?? 0)) * (sign === '-' ? -1 : 1);
  const utc = new Date(local.getTime() - offsetMinutes * 60_000).toISOString();
  return /^\d{4}-/.test(utc) ? `${utc.slice(0, 19).replaceAll('-', '')}Z` : undefined;
}

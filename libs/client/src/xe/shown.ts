/** The shown form of an object: its record, and placeholders for unknown values. */
import type { Api } from '../api';

export type AnyRecord = Readonly<Record<string, unknown>>;
export interface Shown {
  readonly ref: string;
  readonly record: AnyRecord;
}
export const absent = '<not in database>';
/** As `%.3f` writes it. */
/** The present value of a data source. JSON has no word for an unknown number but null. */
export const measured = async (api: Api, cls: string, ref: unknown, source: string): Promise<number> =>
  (await api.call<number | null>(`${cls}.query_data_source`, ref, source)) ?? Number.NaN;
export const thousandths = (value: number): string =>
  Number.isFinite(value) ? value.toFixed(3) : Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';

/** The records of the server, as fields that are worked out read them. */
export interface ObjectReader {
  readonly api: Api;
  all(cls: string): Promise<Readonly<Record<string, AnyRecord>>>;
  one(cls: string, ref: string): Promise<AnyRecord | undefined>;
  uuidOf(cls: string, ref: string): Promise<string>;
  pool(uuid?: string): Promise<string>;
}

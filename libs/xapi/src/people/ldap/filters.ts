/** Questions as values: what people typed never becomes a part of their text. */
import { AndFilter, EqualityFilter, NotFilter, OrFilter, PresenceFilter, type Filter } from 'ldapts';

export const is = (attribute: string, value: string | Buffer): Filter =>
  new EqualityFilter({ attribute, value });
export const has = (attribute: string): Filter => new PresenceFilter({ attribute });
export const all = (...filters: readonly Filter[]): Filter => new AndFilter({ filters: [...filters] });
export const any = (...filters: readonly Filter[]): Filter => new OrFilter({ filters: [...filters] });
export const not = (filter: Filter): Filter => new NotFilter({ filter });
export const isA = (...classes: readonly string[]): Filter =>
  any(...classes.map((c) => is('objectClass', c)));
export type { Filter };

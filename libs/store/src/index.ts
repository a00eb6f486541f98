export * from './store';
export * from './objects';
export * from './transaction';
export * from './migrate';
export * from './replica';
export { type Change, type Wants } from './history';
export * from './prune';
export { schema } from './ddl';
export { tables, type Table, type Column } from './tables';

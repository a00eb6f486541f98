/** Postgres: tables from the model, transactions, the change log, and the replica that reads are answered from. */
export { Store, type StoreOptions, type Reader } from './store';
export { inTransaction, reading, TooBusy, CommitUnknown } from './transaction';
export { Tx, type Row, type Inserted, type Patched } from './objects';
export { newRef, type Ids } from './ids';
export { migrate } from './migrate';
export { pruneChanges, type Keep } from './prune';
export { Replica, type ReplicaOptions } from './replica';
export { Objects } from './replica-index';
export type { Derivation, Derivations, Look, Lookers } from './derivations';
export type { Change, Changes, Scope, Wants } from './events';
export { asToken, ofToken, type Position } from './position';
export { tables, tableOf, entities, type Table } from './tables';
export { relations, type Relation } from './relations';
export { foreignKeys } from './foreign-keys';
export { ddl } from './ddl';
export type { Column } from './columns';

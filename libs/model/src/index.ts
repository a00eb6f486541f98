export * from './types';
export * from './roles';
export * from './language';
export * from './messages';
export * from './errors';
export { errorCodes, type ErrorDoc } from './error-codes';
export * as enums from './enums';
export * from './model';

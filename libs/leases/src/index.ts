export * from './renew';
export * from './token-hash';

export * from './renew';
export * from './shape';
export * from './token-hash';

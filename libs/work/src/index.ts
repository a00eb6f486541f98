export * from './operation';
export * from './execute';
export * from './worker';
export * from './queue';
export * from './sweeper';

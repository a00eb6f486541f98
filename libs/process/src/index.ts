export * from './process';
export * from './origin';

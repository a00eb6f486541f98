export * from './database';
export * from './oracle';

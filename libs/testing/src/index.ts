export { createTestDatabase, type TestDatabase } from './database';
export * from './oracle';

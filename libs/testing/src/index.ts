export { createTestDatabase, type TestDatabase } from './database';
export * from './oracle';
export { RfbClient, type ClientOptions } from './rfb-client';
export { notHanging } from './hang';

export { createTestDatabase, restoreTestDatabase, type TestDatabase } from './database';
export * from './oracle';
export { RfbClient, type ClientOptions } from './rfb-client';
export { mandatoryMembers } from './mandatory';
export { notHanging } from './hang';

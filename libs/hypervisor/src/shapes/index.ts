export { BadShape, sha256, uuid, uuidPattern, type Reader } from './reader';
export { guestMetricsReader, guestQuota, withinQuota } from './guest';
export * from './from-agents';
export * from './to-agents';

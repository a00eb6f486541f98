export * from './protocol';
export * from './hypervisor';
export * from './clock';
export * from './console';
export * from './credentials';
export * from './metrics';
export * from './shapes';
/** The drivers. Nothing above knows of one. */
export * as simulated from './simulated';

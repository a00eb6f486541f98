export * from './protocol';
export * from './hypervisor';
export { SimulatedXen, systemTimers, type XenOptions } from './simulated/xen';
export { XenThread } from './simulated/client';
export { hostUuid, inventoryOf } from './simulated/inventory';
export { seeded, type Chance, type Timers } from './simulated/timing';
export { domainBytes, xenBytes } from './simulated/machine';
export * from './credentials';
export * from './shapes';

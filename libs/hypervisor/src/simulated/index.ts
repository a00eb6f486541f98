/** Simulated Xen: hosts and guests that follow from a seed and the time. */
export { XenThread } from './client';
export { domainBytes, xenBytes } from './domain';
export { hostUuid, inventoryOf } from './inventory';
export { metrics } from './metrics';
export { seeded, type Chance } from './timing';
export { SimulatedXen, type XenOptions } from './xen';

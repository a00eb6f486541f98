export * from './driver';
export * from './drivers';
export * from './failure';
export * from './world';
export * from './xml';

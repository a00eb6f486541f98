export * from './store';
export * from './image-info';
export * from './node-cache';
export * from './layers';
export { assertInside } from './inside';

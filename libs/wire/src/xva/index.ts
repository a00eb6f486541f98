export * from './blocks';
export * from './ova';
export * from './tar';
export { xxh64 } from './xxh64';
export * from './tar-disk';

export * from './blocks';
export * from './byte-reader';
export * from './frames';
export * from './gathered';
export * from './qcow2';
export * from './disk-source';

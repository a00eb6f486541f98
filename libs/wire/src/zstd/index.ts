export { BadZstd } from './bad-zstd';
export { isZstd, zstdFrames, type Frame } from './frames';
export { packedFrame, unpackFrame } from './unpack';

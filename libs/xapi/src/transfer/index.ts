export { createDisk, destroyDisk, findSr, findVdi, readDisk, writeDisk } from './contents';
export { LayerClient } from './layer-client';

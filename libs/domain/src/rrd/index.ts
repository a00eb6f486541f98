export * from './waves';
export * from './archives';
export * from './figures';
export * from './watches';
export { type Source, type SourceType } from './source';
export { loadOf, storageOf, type Load, type Storage } from './load';
export {
  vmFigures,
  vmSources,
  type DiskFacts,
  type NicFacts,
  type VmFacts,
  type VmFigures,
} from './vm-sources';
export type { HostFacts } from './host-facts';
export { hostSources, shareOf, type HostFigures } from './host-sources';

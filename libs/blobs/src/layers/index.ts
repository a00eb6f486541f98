export { layerPattern, LayerStore } from './layer-store';

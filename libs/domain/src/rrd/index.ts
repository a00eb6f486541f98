export * from './waves';
export * from './archives';
export * from './figures';
export * from './watches';
export * from './source';

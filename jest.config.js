// SWC turns tests into the CommonJS that jest runs; what they test is built already (docs/decisions/0021-tests-on-built-modules.md).
const { availableParallelism } = require('node:os');

const swc = {
  swcrc: false,
  sourceMaps: 'inline',
  isModule: 'unknown',
  module: { type: 'commonjs' },
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    keepClassNames: true,
  },
};

module.exports = {
  testEnvironment: '<rootDir>/stack/jest/environment.cjs',
  runtime: '<rootDir>/stack/jest/runtime.cjs',
  testMatch: ['<rootDir>/{apps,libs,test,stack}/**/*.spec.ts', '<rootDir>/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.xenplane'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  // Many tests wait for what they claim: two workers a processor keep it at work.
  maxWorkers: 2 * availableParallelism(),
  // Ends what hangs; no test depends on how fast the machine is.
  testTimeout: 180_000,
};

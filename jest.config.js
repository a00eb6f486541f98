// Jest runs CommonJS; SWC turns our TypeScript and the ESM-only packages of node_modules into it.
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
const packages = { ...swc, sourceMaps: false, jsc: { target: 'es2022', parser: { syntax: 'ecmascript' } } };

module.exports = {
  testEnvironment: '<rootDir>/stack/jest/environment.cjs',
  runtime: '<rootDir>/stack/jest/runtime.cjs',
  testMatch: ['<rootDir>/{apps,libs,test,stack}/**/*.spec.ts', '<rootDir>/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.xenplane'],
  moduleNameMapper: { '^@xenplane/([^/]+)$': '<rootDir>/libs/$1/src/index.ts' },
  transform: { '^.+\\.ts$': ['@swc/jest', swc], 'node_modules/.+\\.m?js$': ['@swc/jest', packages] },
  transformIgnorePatterns: ['/node_modules/(swc|@swc|typescript|pg|pg-.*|ioredis|bullmq|rxjs|lodash|jest|@jest|fastify|pino)/'],
  maxWorkers: 2,
  // Ends what hangs; no test depends on how fast the machine is.
  testTimeout: 180_000,
};

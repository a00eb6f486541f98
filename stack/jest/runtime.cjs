// jest's runtime for files of tests; all else (packages, and apps and libs as they are built into dist)
// is required by Node itself, once for all files of a worker: jest loads 2,800 modules anew for each file.
const { createRequire, isBuiltin } = require('node:module');
const path = require('node:path');
const { compileFunction } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

const root = path.resolve(__dirname, '../..');
const built = ['apps', 'libs', 'migrations'].map((folder) => path.join(root, folder) + path.sep);
const isTest = (file) => file.startsWith(root) && !file.includes(`${path.sep}node_modules${path.sep}`);

/** The argument of Node's own require for this name: a path, the name of a package, or undefined where jest loads it. */
function nativeName(from, name) {
  const own = /^@xenplane\/([^/]+)$/.exec(name);
  if (own) return path.join(root, 'dist/libs', own[1], 'src/index.js');
  if (!name.startsWith('.')) return isBuiltin(name) || name === '@jest/globals' ? undefined : name;
  const target = path.resolve(path.dirname(from), name);
  const isBuilt =
    built.some((folder) => target.startsWith(folder)) &&
    !target.endsWith('.spec') &&
    !target.endsWith('.json');
  return isBuilt ? path.join(root, 'dist', path.relative(root, target).replace(/\.ts$/, '')) : undefined;
}

class SharedModulesRuntime extends Runtime {
  constructor(...options) {
    super(...options);
    const { executor } = this.cjsLoader;
    executor.compile = (code, filename) =>
      compileFunction(code, executor.injectedModuleParameters, { filename });
  }

  requireModuleOrMock(from, name) {
    const native = isTest(from) ? nativeName(from, name) : undefined;
    return native === undefined ? super.requireModuleOrMock(from, name) : createRequire(from)(native);
  }
}

module.exports = { __esModule: true, default: SharedModulesRuntime };

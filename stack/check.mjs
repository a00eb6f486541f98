/** `npm run check`: types, lint, format and the house, each whole, so that one run shows every complaint. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (name) => path.join(root, 'node_modules', name);
const checks = [
  ['types', bin('@typescript/native/bin/tsc'), ['-p', '.']],
  [
    'lint',
    bin('eslint/bin/eslint.js'),
    ['--max-warnings', '0', 'apps', 'libs', 'migrations', 'test', 'stack', 'bench', 'house.spec.ts'],
  ],
  ['format', bin('prettier/bin/prettier.cjs'), ['--check', '--log-level', 'warn', '.']],
  ['house', bin('jest/bin/jest.js'), ['--silent', 'house.spec.ts']],
];

const failed = checks.filter(([name, program, args]) => {
  process.stdout.write(`${name} ...\n`);
  return spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' }).status !== 0;
});
process.stdout.write(
  failed.length === 0 ? 'all checks pass\n' : `failed: ${failed.map(([name]) => name).join(', ')}\n`,
);
process.exit(failed.length === 0 ? 0 : 1);

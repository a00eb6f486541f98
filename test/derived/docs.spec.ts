import { readFileSync } from 'node:fs';
import path from 'node:path';
import { coverage } from '@xenplane/wire';

test('docs/api/coverage.md is what the model says now: npm run derive', () => {
  expect(readFileSync(path.join(__dirname, '..', '..', 'docs', 'api', 'coverage.md'), 'utf8')).toBe(
    coverage(),
  );
});

/** Writes what is derived from the model and kept in git; `npm test` fails when it is not fresh. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { coverage } = createRequire(import.meta.url)(path.join(root, 'dist/libs/wire/src/index.js'));
mkdirSync(path.join(root, 'docs/api'), { recursive: true });
writeFileSync(path.join(root, 'docs/api/coverage.md'), coverage());

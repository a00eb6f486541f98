/** Compiles all of apps/ and libs/ into an empty dist with SWC; types are checked by `npm run check`. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [path.join(root, 'node_modules/@nestjs/cli/bin/nest.js'), 'build', 'api'],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);

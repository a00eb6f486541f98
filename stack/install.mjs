// Packages only, for what runs before a build: .ci/run.
import path from 'node:path';
import { prepareCheckout } from './checkout.mjs';

await prepareCheckout(path.resolve(import.meta.dirname, '..'), { log: console.error, build: false });

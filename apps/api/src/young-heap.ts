/** V8's heap for what is new does not grow while the modules are loaded: nearly all that they make stays, and 32 MB of it would be kept ever after. */
import { setFlagsFromString } from 'node:v8';

const growBy = (factor: number): void => setFlagsFromString(`--semi-space-growth-factor=${factor}`);

growBy(1);

/** As V8 has it: for calls a larger one is worth its memory. */
export const letYoungHeapGrow = (): void => growBy(2);

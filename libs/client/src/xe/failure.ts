/** What went wrong, in the words of xe. */
import { errorDoc, isErrorCode, isNullRef, XenError } from '@xenplane/model';
import { isRef, Unreachable } from '../api';
import { Misuse, Missing } from './arguments';
import type { Objects } from './objects';
import type { Terminal } from './terminal';
import { TransferFailed } from './transfer';

/** Classes that a reference among an error's parameters may be of, by the name of the parameter; else these are tried. */
const usual = ['VM', 'host', 'VDI', 'SR', 'network', 'VBD', 'VIF', 'PIF', 'PBD', 'pool', 'task'];

export async function named(ref: string, objects: Objects): Promise<string> {
  for (const cls of usual) {
    const found = await objects.one(cls, ref);
    const label = found?.['name_label'] ?? found?.['device'] ?? found?.['userdevice'];
    if (found) return label === undefined ? String(found['uuid']) : `${String(found['uuid'])} (${String(label)})`;
  }
  return ref;
}
/** The sentence of the code, then each parameter with its name, objects by uuid and name. */
async function explained(error: XenError, objects: Objects | undefined): Promise<string[] | undefined> {
  const known = isErrorCode(error.code) ? errorDoc(error.code) : undefined;
  if (!known?.doc) return undefined;
  const names: readonly string[] = known.params;
  const texts = error.params.map(async (p, i) => `${names[i] ?? '<extra>'}: ${isRef(p) && !isNullRef(p) && objects ? await named(p, objects) : p}`);
  return [known.doc, ...(await Promise.all(texts)), ...names.slice(error.params.length).map((n) => `${n}: <unknown>`)];
}

const usage = "For usage run: 'xe help'\n";
/** Tells the user; nothing else is printed after it. */
export async function tell(error: unknown, objects: Objects | undefined, terminal: Terminal): Promise<void> {
  if (error instanceof Missing) terminal.printError(`${error.message}\n${usage}`);
  else if (error instanceof Misuse)
    terminal.printError(error.message.startsWith('Required parameter') ? `${error.message}\n${usage}` : `Error: ${error.message}\n`);
  else if (error instanceof TransferFailed || error instanceof Unreachable) terminal.printError(`${error.message}\n`);
  else if (error instanceof XenError) await tellXen(error, objects, terminal);
  else terminal.printError(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
}
async function tellXen(error: XenError, objects: Objects | undefined, terminal: Terminal): Promise<void> {
  if (error.code === 'SESSION_AUTHENTICATION_FAILED') return terminal.printError(`Authentication failed\n${usage}`);
  const texts = await explained(error, objects).catch(() => undefined);
  if (texts) for (const text of texts) terminal.printError(`${text}\n`);
  else terminal.error(error.code, error.params);
}
export const unknownCommand = (name: string): string => `Unknown command: ${name}\n${usage}`;

/** Errors in the words of xe. */
import { classNames, errorDoc, isErrorCode, isNullRef, messages, XenError } from '@xenplane/model';
import { isRef, Unreachable } from '../api';
import { Ended, Misuse, UnknownField, Unusable } from './arguments';
import type { ObjectReader } from './shown';
import type { Terminal } from './terminal';

/** Classes that a reference among an error's parameters may be of: those that are named most, then the others. */
const usual = ['VM', 'host', 'VDI', 'SR', 'network', 'VBD', 'VIF', 'PIF', 'PBD', 'pool', 'task'];
const classesByUse = [
  ...new Set([...usual, ...classNames.filter((cls) => messages.has(`${cls}.get_record`))]),
];

/** A reference as its object's uuid and name; other texts as they are. */
export async function named(text: string, objects: ObjectReader | undefined): Promise<string> {
  if (!objects || !isRef(text) || isNullRef(text)) return text;
  for (const cls of classesByUse) {
    const found = await objects.one(cls, text);
    if (found)
      return found['name_label'] === undefined
        ? String(found['uuid'])
        : `${String(found['uuid'])} (${String(found['name_label'])})`;
  }
  return text;
}
/** The sentence of the code, then each parameter with its name, objects by uuid and name. */
async function explained(error: XenError, objects: ObjectReader | undefined): Promise<string[] | undefined> {
  const known = isErrorCode(error.code) ? errorDoc(error.code) : undefined;
  if (!known?.doc || known.undocumented) return undefined;
  const names: readonly string[] =
    error.code === 'VMS_FAILED_TO_COOPERATE' ? error.params.map(() => 'VM') : known.params;
  const texts = error.params.map(async (p, i) => `${names[i] ?? '<extra>'}: ${await named(p, objects)}`);
  return [
    known.doc,
    ...(await Promise.all(texts)),
    ...names.slice(error.params.length).map((n) => `${n}: <unknown>`),
  ];
}

function unusable(text: string, terminal: Terminal): void {
  terminal.printError(`${text}\n`);
  terminal.printError("For usage run: 'xe help'\n");
}
/** Reports the error to the user; nothing else is printed after it. Answers the exit code. */
export async function reportFailure(
  error: unknown,
  objects: ObjectReader | undefined,
  terminal: Terminal,
): Promise<number> {
  if (error instanceof Ended) terminal.printError(error.message);
  else if (error instanceof Unusable) unusable(error.message, terminal);
  else if (error instanceof UnknownField) terminal.error('Missing parameter', [error.field]);
  else if (error instanceof Misuse) terminal.printError(`Error: ${error.message}\n`);
  else if (error instanceof SeveralFailed)
    for (const { uuid, text } of error.failures) terminal.print(`operation failed on ${uuid}: ${text}`);
  else if (error instanceof Unreachable) terminal.printError(`${error.message}\n`);
  else if (error instanceof XenError) await reportXenError(error, objects, terminal);
  else terminal.printError(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof Ended ? error.exitCode : 1;
}
async function reportXenError(
  error: XenError,
  objects: ObjectReader | undefined,
  terminal: Terminal,
): Promise<void> {
  if (error.code === 'SESSION_AUTHENTICATION_FAILED') {
    return unusable(
      error.params[0] === '' ? 'Username/password must be specified' : 'Authentication failed',
      terminal,
    );
  }
  const texts = await explained(error, objects).catch(() => undefined);
  if (texts) for (const text of texts) terminal.printError(`${text}\n`);
  else terminal.error(error.code, await Promise.all(error.params.map((p) => named(p, objects))));
}

/** The errors of several objects, the last one first. */
export class SeveralFailed extends Error {
  constructor(readonly failures: readonly { readonly uuid: string; readonly text: string }[]) {
    super('Some operations have failed');
    this.name = 'SeveralFailed';
  }
}
/** An error as the language of xapi writes exceptions out, where xe shows it inside another text. */
export const asException = (error: unknown): string => {
  if (error instanceof XenError) return `Server_error(${error.code}, [ ${error.params.join('; ')} ])`;
  return error instanceof Error ? error.message : String(error);
};
/** An error in one text, as it stands behind the object that it happened to. */
export async function inWords(error: unknown, objects: ObjectReader): Promise<string> {
  if (!(error instanceof XenError)) return error instanceof Error ? error.message : String(error);
  return (await explained(error, objects))?.join('\n') ?? `${error.code}: [ ${error.params.join('; ')} ]`;
}

/** Files of the user, read into the command. */
import { Ended, keyed, type Arguments } from './arguments';
import type { Surroundings } from './surroundings';

/** The content of a file; one that cannot be read ends the command with this text. */
export async function fileOf({ terminal }: Surroundings, name: string, otherwise: string): Promise<string> {
  const content = await terminal.readFile(name).catch(() => {
    throw new Ended(`${otherwise}\n`, 1);
  });
  return Buffer.from(content).toString('utf8');
}
/** `args:key=value`, and `args:key:file=name` for what is in a file. */
export async function pluginArguments(
  args: Arguments,
  around: Surroundings,
): Promise<Record<string, string>> {
  const given: [string, string][] = [];
  for (const [key, value] of keyed(args, 'args'))
    if (key.endsWith(':file'))
      given.push([
        key.slice(0, -':file'.length),
        await fileOf(around, value, `Failed to read file ${value}`),
      ]);
    else given.push([key, value]);
  return Object.fromEntries(given);
}

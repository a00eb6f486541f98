/** A file of an archive about a host. */
export interface HostFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}
export const textFile = (name: string, text: string): HostFile => ({ name, bytes: Buffer.from(text) });
export const jsonFile = (name: string, value: unknown): HostFile =>
  textFile(name, `${JSON.stringify(value, undefined, 1)}\n`);

const partBytes = 2 ** 20;

/** Pieces of any number as files of bounded size: the first has the name, the others a number behind it, as logs that are rotated. */
export async function* inParts(
  name: string,
  pieces: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<HostFile> {
  let held: string[] = [],
    size = 0,
    part = 0;
  const cut = (): HostFile => {
    const file = textFile(part === 0 ? name : `${name}.${part}`, held.join(''));
    part += 1;
    held = [];
    size = 0;
    return file;
  };
  for await (const piece of pieces) {
    held.push(piece);
    if ((size += piece.length) >= partBytes) yield cut();
  }
  if (size > 0 || part === 0) yield cut();
}

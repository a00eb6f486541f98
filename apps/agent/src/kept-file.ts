/** A small file of this process alone: read once, then written whole before it takes the place of the one before. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

export class KeptFile<T> {
  private readonly file: string;

  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, name);
  }
  read(): T | undefined {
    return existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as T) : undefined;
  }
  /** `surely`: it is on the disk when this answers. */
  write(contents: T, surely = false): void {
    const next = `${this.file}.new`;
    rmSync(next, { force: true });
    const open = openSync(next, 'wx', 0o600);
    try {
      writeFileSync(open, JSON.stringify(contents));
      if (surely) fsyncSync(open);
    } finally {
      closeSync(open);
    }
    renameSync(next, this.file);
  }
}

/** Which hosts of this process were shut down: they stay off when the process starts anew, until somebody switches them on. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export class SwitchedOff {
  private readonly file: string;
  private readonly hosts: Set<string>;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, 'switched-off.json');
    this.hosts = new Set(existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as string[]) : []);
  }
  has(host: string): boolean {
    return this.hosts.has(host);
  }
  set(host: string, off: boolean): void {
    if (this.hosts.has(host) === off) return;
    if (off) this.hosts.add(host);
    else this.hosts.delete(host);
    writeFileSync(`${this.file}.new`, JSON.stringify([...this.hosts].sort()));
    renameSync(`${this.file}.new`, this.file);
  }
}

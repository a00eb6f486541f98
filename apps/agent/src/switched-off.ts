/** Which hosts of this process were shut down: they stay off when the process starts anew, until somebody switches them on. */
import { KeptFile } from './kept-file';

export class SwitchedOff {
  private readonly file: KeptFile<readonly string[]>;
  private readonly hosts: Set<string>;

  constructor(folder: string) {
    this.file = new KeptFile(folder, 'switched-off.json');
    this.hosts = new Set(this.file.read() ?? []);
  }
  has(host: string): boolean {
    return this.hosts.has(host);
  }
  set(host: string, off: boolean): void {
    if (this.hosts.has(host) === off) return;
    if (off) this.hosts.add(host);
    else this.hosts.delete(host);
    this.file.write([...this.hosts].sort());
  }
}

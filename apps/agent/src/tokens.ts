/** The lasting tokens of this process's hosts, kept where only this process reads. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export class Tokens {
  private readonly file: string;
  private readonly known: Map<string, string>;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, 'tokens.json');
    this.known = new Map(existsSync(this.file) ? Object.entries(JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, string>) : []);
  }
  get(host: string): string | undefined {
    return this.known.get(host);
  }
  keep(entries: readonly (readonly [string, string])[]): void {
    for (const [host, token] of entries) this.known.set(host, token);
    const temporary = `${this.file}.new`;
    writeFileSync(temporary, JSON.stringify(Object.fromEntries(this.known)), { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, this.file);
  }
}

/** The lasting tokens of this process's hosts in their home, kept where only this process reads. */
import { KeptFile } from './kept-file';

export class Tokens {
  private readonly file: KeptFile<Record<string, string>>;
  private readonly known: Map<string, string>;

  constructor(folder: string) {
    this.file = new KeptFile(folder, 'tokens.json');
    this.known = new Map(Object.entries(this.file.read() ?? {}));
  }
  get(host: string): string | undefined {
    return this.known.get(host);
  }
  keep(tokens: ReadonlyMap<string, string>): void {
    for (const [host, token] of tokens) this.known.set(host, token);
    this.write();
  }
  drop(host: string): void {
    if (this.known.delete(host)) this.write();
  }
  private write(): void {
    this.file.write(Object.fromEntries(this.known));
  }
}

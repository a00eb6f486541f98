/** Which hosts of this process belong to another control plane than its own, and which came home from one and may have to join anew. */
import { KeptFile } from './kept-file';

export interface Place {
  readonly apiUrl: string;
  readonly imagesUrl: string;
  /** The right to join there, until that is used up. */
  readonly secret: string;
  /** With which the control plane that sent the host away may call it back, until it is settled. */
  readonly key: string;
  readonly token?: string;
  /** It has registered there: only that control plane lets it go. */
  readonly settled?: true;
}
interface Kept {
  readonly away: Readonly<Record<string, Place>>;
  readonly returned: readonly string[];
}

export class Places {
  private readonly file: KeptFile<Kept>;
  private readonly away: Map<string, Place>;
  private readonly returned: Set<string>;

  constructor(folder: string) {
    this.file = new KeptFile(folder, 'places.json');
    const kept = this.file.read();
    this.away = new Map(Object.entries(kept?.away ?? {}));
    this.returned = new Set(kept?.returned ?? []);
  }
  of(host: string): Place | undefined {
    return this.away.get(host);
  }
  set(host: string, place: Place): void {
    this.away.set(host, place);
    this.returned.delete(host);
    this.write();
  }
  /** Home again. Who had settled elsewhere may find its home's token void. */
  comeHome(host: string): void {
    const place = this.away.get(host);
    if (!place) return;
    this.away.delete(host);
    if (place.settled) this.returned.add(host);
    this.write();
  }
  hasReturned(host: string): boolean {
    return this.returned.has(host);
  }
  arrived(host: string): void {
    if (this.returned.delete(host)) this.write();
  }
  private write(): void {
    this.file.write({ away: Object.fromEntries(this.away), returned: [...this.returned].sort() }, true);
  }
}

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
  private kept: Kept;

  constructor(folder: string) {
    this.file = new KeptFile(folder, 'places.json');
    this.kept = this.file.read() ?? { away: {}, returned: [] };
  }
  of(host: string): Place | undefined {
    return this.kept.away[host];
  }
  set(host: string, place: Place): void {
    this.keep({ away: { ...this.kept.away, [host]: place }, returned: this.othersReturned(host) });
  }
  /** Home again. Who had settled elsewhere may find its home's token void. */
  comeHome(host: string): void {
    const { [host]: place, ...away } = this.kept.away;
    if (place)
      this.keep({
        away,
        returned: place.settled ? [...this.othersReturned(host), host] : this.kept.returned,
      });
  }
  hasReturned(host: string): boolean {
    return this.kept.returned.includes(host);
  }
  arrived(host: string): void {
    if (this.hasReturned(host)) this.keep({ ...this.kept, returned: this.othersReturned(host) });
  }

  private othersReturned(host: string): readonly string[] {
    return this.kept.returned.filter((h) => h !== host);
  }
  /** Only entries that are on the disk count. */
  private keep(next: Kept): void {
    this.file.write(next, true);
    this.kept = next;
  }
}

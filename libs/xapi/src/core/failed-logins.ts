/** Counts failed logins, which one alert an hour summarises: how many, and which clients failed most often. */
import { escapeXml } from '@xenplane/wire';
import { dateTime } from './date-time';

interface Client {
  readonly username: string;
  readonly originator: string;
}
interface Tries {
  readonly client: Client;
  readonly number: number;
  readonly date: Date;
}

const mostTold = 3;
/** Whoever makes up names is not kept count of name by name. */
const mostClients = 1000;
const longestName = 256;

export class FailedLoginCounter {
  private readonly tries = new Map<string, Tries>();
  private unknown = 0;

  note({ username, originator }: Client, date: Date): void {
    const client = { username: username.slice(0, longestName), originator: originator.slice(0, longestName) };
    const key = JSON.stringify(client);
    const before = this.tries.get(key);
    if (!before && this.tries.size >= mostClients) this.unknown += 1;
    else this.tries.set(key, { client, number: (before?.number ?? 0) + 1, date });
  }

  /** The failed logins since the last call, as XML; undefined when there were none. */
  take(): string | undefined {
    const known = [...this.tries.values()].sort((a, b) => b.number - a.number);
    const total = known.reduce((sum, { number }) => sum + number, this.unknown);
    const unknown = this.unknown > 0 ? [`<unknown>${this.unknown}</unknown>`] : [];
    this.tries.clear();
    this.unknown = 0;
    return total === 0
      ? undefined
      : [
          '<body>',
          `<total>${total}</total>`,
          ...known.slice(0, mostTold).map(knownXml),
          ...unknown,
          '</body>',
        ].join('\n');
  }
}

function knownXml({ client, number, date }: Tries): string {
  const said = { ...client, number: String(number), date: dateTime(date) };
  const lines = Object.entries(said).flatMap(([name, text]) =>
    text === '' ? [] : [`<${name}>${escapeXml(text)}</${name}>`],
  );
  return ['<known>', ...lines, '</known>'].join('\n');
}

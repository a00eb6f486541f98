/** One connection as the store uses it: prepared statements, sent without waiting for the one before. */
import type { Client, QueryConfig } from 'pg';
import type { Statement } from './statement';

export interface Outcome<R> {
  readonly rows: R[];
  readonly command: string;
  readonly rowCount: number | null;
}

const config = ({ name, text }: Statement, values: unknown[]): QueryConfig<unknown[]> =>
  name === undefined ? { text, values } : { name, text, values };

/** Connections whose packet is being filled. */
const gathering = new WeakSet<object>();

export class Link {
  constructor(readonly client: Client) {}

  objects<R>(statement: Statement, values: readonly unknown[] = []): Promise<Outcome<R & object>> {
    this.gather();
    return this.client.query<R & object>(config(statement, [...values]));
  }
  arrays(statement: Statement, values: readonly unknown[] = []): Promise<Outcome<unknown[]>> {
    this.gather();
    return this.client.query<unknown[]>({ ...config(statement, [...values]), rowMode: 'array' });
  }

  /** Statements that are sent before the process turns to something else leave in one packet: system calls cost more than the statements' bytes. */
  private gather(): void {
    const { stream } = this.client.connection;
    if (gathering.has(stream)) return;
    gathering.add(stream);
    stream.cork();
    process.nextTick(() => {
      gathering.delete(stream);
      stream.uncork();
    });
  }
}

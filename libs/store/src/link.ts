/** One connection as the store uses it: prepared statements, sent without waiting for the one before. */
import type { Client, QueryConfig } from 'pg';
import type { Statement } from './statement';

export interface Outcome<R> {
  readonly rows: R[];
  readonly command: string;
  readonly rowCount: number | null;
}

const config = ({ name, text }: Statement, values: unknown[]): QueryConfig<unknown[]> => (name === undefined ? { text, values } : { name, text, values });

export class Link {
  constructor(readonly client: Client) {}

  objects<R>(statement: Statement, values: readonly unknown[] = []): Promise<Outcome<R & object>> {
    return this.client.query<R & object>(config(statement, [...values]));
  }
  arrays(statement: Statement, values: readonly unknown[] = []): Promise<Outcome<unknown[]>> {
    return this.client.query<unknown[]>({ ...config(statement, [...values]), rowMode: 'array' });
  }
  /** What is sent meanwhile leaves in one packet: system calls cost more than the statements' bytes. */
  together<T>(send: () => T): T {
    const { stream } = this.client.connection;
    stream.cork();
    try {
      return send();
    } finally {
      stream.uncork();
    }
  }
}

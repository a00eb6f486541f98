/** A metric of an object: its name and kind as xapi has them, and the figure that it shows. */
import type { Figure } from './figures';

export type SourceType = 'GAUGE' | 'DERIVE' | 'ABSOLUTE';
export interface Source {
  readonly name: string;
  readonly description: string;
  readonly units: string;
  readonly type: SourceType;
  readonly min: number;
  readonly max: number;
  /** Recorded unless somebody says otherwise. */
  readonly standard: boolean;
  /** Made when it is asked for: most lists of sources are longer than what is read of them. */
  readonly figure: () => Figure;
}

type Kind = Pick<Source, 'units' | 'type' | 'min' | 'max' | 'standard'>;
const kind = (units: string, type: SourceType, more: Partial<Kind> = {}): Kind => ({
  units,
  type,
  min: 0,
  max: Infinity,
  standard: true,
  ...more,
});

export const kinds = {
  fraction: kind('(fraction)', 'DERIVE', { max: 1 }),
  load: kind('(fraction)', 'GAUGE', { min: -Infinity }),
  hostload: kind('(fraction)', 'GAUGE'),
  count: kind('count', 'GAUGE'),
  tapdisks: kind('count', 'ABSOLUTE'),
  kib: kind('KiB', 'GAUGE'),
  allocation: kind('KiB', 'DERIVE'),
  bytes: kind('B', 'GAUGE'),
  reclaimed: kind('B', 'GAUGE', { min: -Infinity }),
  rate: kind('B/s', 'DERIVE'),
  errors: kind('err/s', 'DERIVE', { standard: false }),
  micros: kind('μs', 'GAUGE'),
  throughput: kind('MiB/s', 'ABSOLUTE'),
  iops: kind('requests/s', 'ABSOLUTE'),
  iowait: kind('s/s', 'ABSOLUTE'),
  requests: kind('requests', 'GAUGE'),
  hits: kind('hits/s', 'GAUGE'),
  misses: kind('misses/s', 'GAUGE'),
  descriptors: kind('file descriptors', 'GAUGE'),
  sessions: kind('sessions', 'GAUGE'),
  tasks: kind('tasks', 'GAUGE'),
  sessionRate: kind('sessions/s', 'DERIVE'),
  migrationRate: kind('migrations/s', 'ABSOLUTE'),
  megahertz: kind('MHz', 'GAUGE'),
  watts: kind('W', 'GAUGE', { min: -Infinity, max: 65_534 }),
  tokens: kind('tokens', 'DERIVE'),
  calls: kind('calls', 'DERIVE'),
  latency: kind('s', 'GAUGE', { min: -Infinity, standard: false }),
} as const;

export const source = (of: Kind, name: string, description: string, figure: () => Figure): Source => ({
  ...of,
  name,
  description,
  figure,
});
/** Left out unless somebody records it. */
export const optional = (of: Kind): Kind => ({ ...of, standard: false });

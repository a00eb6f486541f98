/**
 * The alarms that users configure: variables of an object with a level each, written as XML under `perfmon` in its
 * other_config. XenCenter and Xen Orchestra write it and read it again from the body of the alarm.
 */
export interface Watch {
  readonly name: string;
  readonly priority: number;
  readonly level: number;
  /** Which side of the level is the bad one. */
  readonly sense: 'high' | 'low';
  /** How long it must be bad. */
  readonly periodSeconds: number;
  /** How long an alarm keeps the next one of its kind away. */
  readonly inhibitSeconds: number;
  readonly combine: 'sum' | 'average';
  /** Names of the metrics that make up the variable; none for a variable that no metric measures. */
  readonly metrics: RegExp | undefined;
  /** All that was said of it, in its order. */
  readonly said: readonly (readonly [key: string, value: string])[];
}
export type Watched = 'VM' | 'host' | 'SR';

/** On the hosts that have the repository, this many MiB/s. */
export const perHost = 'sr_io_throughput_total_per_host';
export const onHost = (srUuid: string): string => `sr_io_throughput_total_${srUuid.slice(0, 8)}`;

const mostWatches = 32,
  mostCharacters = 16_384;
const variable = /<variable\b[^>]*>([\s\S]*?)<\/variable>/g;
const child = /<(\w+)\s+value\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};
const plain = (text: string): string =>
  text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => entities[entity] ?? entity);
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => Object.keys(entities).find((entity) => entities[entity] === c) ?? c);

/** The variables that can be watched; one without a level, or with a pattern that cannot be taken, is left out. */
export function watchesIn(config: string, cls: Watched): Watch[] {
  const variables = [...config.slice(0, mostCharacters).matchAll(variable)].slice(0, mostWatches);
  return variables.flatMap(
    ([, inner = '']) =>
      watchOf(
        [...inner.matchAll(child)].map(([, key = '', a, b]) => [key, plain(a ?? b ?? '')] as const),
        cls,
      ) ?? [],
  );
}

function watchOf(said: Watch['said'], cls: Watched): Watch | undefined {
  const given = new Map(said);
  const name = given.get('name') ?? '',
    level = Number.parseFloat(given.get('alarm_trigger_level') ?? '');
  const number = (key: string, otherwise: number): number => {
    const value = Number.parseFloat(given.get(key) ?? '');
    return Number.isFinite(value) && value >= 0 ? value : otherwise;
  };
  const pattern = given.get('rrd_regex');
  const metrics = pattern === undefined ? metricsOf(name, cls) : patternOf(pattern);
  if (name === '' || !Number.isFinite(level) || (pattern !== undefined && !metrics)) return undefined;
  return {
    name,
    level,
    metrics,
    priority: Math.trunc(number('alarm_priority', 3)),
    sense: given.get('alarm_trigger_sense') === 'low' ? 'low' : 'high',
    periodSeconds: number('alarm_trigger_period', 60),
    inhibitSeconds: number('alarm_auto_inhibit_period', 3600),
    combine:
      (given.get('consolidation_fn') ?? (name === 'cpu_usage' ? 'average' : 'sum')) === 'average'
        ? 'average'
        : 'sum',
    said,
  };
}

const usual: Readonly<Record<Watched, Readonly<Record<string, RegExp>>>> = {
  VM: {
    cpu_usage: /^cpu\d+$/,
    network_usage: /^vif_\d+_[rt]x$/,
    disk_usage: /^vbd_(?:xvd|hd)[a-z]+_(?:read|write)$/,
  },
  host: { cpu_usage: /^cpu\d+$/, network_usage: /^pif_eth\d+_[rt]x$/, memory_free_kib: /^memory_free_kib$/ },
  SR: {},
};
function metricsOf(name: string, cls: Watched): RegExp | undefined {
  const sr = cls === 'host' ? /^sr_io_throughput_total_([0-9a-f]{8})$/.exec(name)?.[1] : undefined;
  return sr === undefined ? usual[cls][name] : new RegExp(`^io_throughput_total_${sr}$`);
}

/** Patterns are other people's: those that can take for ever are not taken. They have repeated groups, or many parts that fit in more ways than one. */
function patternOf(text: string): RegExp | undefined {
  const repetitions = text.match(/[*+?{]/g)?.length ?? 0,
    choices = text.match(/\|/g)?.length ?? 0;
  if (text.length > 128 || repetitions > 2 || choices > 4 || /\)[*+?{]|\\\d|\(\?/.test(text))
    return undefined;
  try {
    return new RegExp(`^(?:${text})$`);
  } catch {
    return undefined;
  }
}

export const minute = 60;
/** How many minutes are looked at. */
export const minutesOf = ({ periodSeconds }: Watch): number =>
  Math.max(1, Math.min(mostMinutes, Math.ceil(periodSeconds / minute)));
const mostMinutes = 120;

/** One value of all metrics of one minute. */
export const combined = ({ combine }: Watch, values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / (combine === 'average' ? values.length : 1);

/** Bad in every minute of the period; what is unknown is not bad. */
export const isAlarming = ({ sense, level }: Watch, readings: readonly number[]): boolean =>
  readings.length > 0 && readings.every((value) => (sense === 'high' ? value > level : value < level));

export function alarmBody({ said }: Watch, value: number): string {
  const lines = said.map(([key, text]) => `\t<${key} value="${escaped(text)}"/>\n`);
  return `value: ${value.toFixed(6)}\nconfig:\n<variable>\n${lines.join('')}</variable>\n`;
}

/** The watch that a repository's owner asked for, as one of each host's own. */
export const forHost = (watch: Watch, srUuid: string): Watch | undefined =>
  watchOf(
    watch.said.map(([key, value]) => [key, key === 'name' ? onHost(srUuid) : value] as const),
    'host',
  );

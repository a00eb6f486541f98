import { rrd } from '@xenplane/domain';

const config = (...variables: readonly string[]): string =>
  `<config>${variables.map((v) => `<variable>${v}</variable>`).join('')}</config>`;
const cpu = '<name value="cpu_usage"/><alarm_trigger_level value="0.5"/>';
const only = (text: string, cls: rrd.Watched = 'VM'): rrd.Watch => {
  const [watch] = rrd.watchesIn(config(text), cls);
  if (!watch) throw new Error('no watch');
  return watch;
};

test('what is not said is as usual', () => {
  expect(only(cpu)).toMatchObject({
    name: 'cpu_usage',
    priority: 3,
    level: 0.5,
    sense: 'high',
    periodSeconds: 60,
    inhibitSeconds: 3600,
    combine: 'average',
  });
  expect(only('<name value="network_usage"/><alarm_trigger_level value="1"/>').combine).toBe('sum');
});

test('what is said is taken, in both kinds of quotes', () => {
  const said = `<name value='mine'/> <alarm_trigger_level value = '1e3' /><alarm_trigger_sense value="low"/><alarm_trigger_period value="300"/>
    <alarm_auto_inhibit_period value="600"/><alarm_priority value="1"/><consolidation_fn value="average"/><rrd_regex value="memory.*"/>`;
  const watch = only(said);
  expect(watch).toMatchObject({
    name: 'mine',
    priority: 1,
    level: 1000,
    sense: 'low',
    periodSeconds: 300,
    inhibitSeconds: 600,
    combine: 'average',
  });
  expect([watch.metrics?.test('memory_target'), watch.metrics?.test('my_memory')]).toEqual([true, false]);
  expect(rrd.minutesOf(watch)).toBe(5);
});

test.each<[rrd.Watched, string, string, boolean]>([
  ['VM', 'cpu_usage', 'cpu0', true],
  ['VM', 'cpu_usage', 'cpu_usage', false],
  ['VM', 'network_usage', 'vif_0_rx', true],
  ['VM', 'network_usage', 'vif_0_rx_errors', false],
  ['VM', 'disk_usage', 'vbd_xvda_read', true],
  ['VM', 'disk_usage', 'vbd_xvda_read_latency', false],
  ['host', 'network_usage', 'pif_eth0_tx', true],
  ['host', 'network_usage', 'pif_aggr_tx', false],
  ['host', 'memory_free_kib', 'memory_free_kib', true],
  ['host', 'sr_io_throughput_total_0a1b2c3d', 'io_throughput_total_0a1b2c3d', true],
])('%s %s is made up of %s: %s', (cls, name, metric, isPart) =>
  expect(only(`<name value="${name}"/><alarm_trigger_level value="1"/>`, cls).metrics?.test(metric)).toBe(
    isPart,
  ),
);

test.each([
  ['no level', '<name value="cpu_usage"/>'],
  ['no name', '<alarm_trigger_level value="1"/>'],
  ['a level that is none', '<name value="x"/><alarm_trigger_level value="much"/>'],
  [
    'a pattern that takes for ever',
    '<name value="x"/><alarm_trigger_level value="1"/><rrd_regex value="(a+)+"/>',
  ],
  ['many repetitions', '<name value="x"/><alarm_trigger_level value="1"/><rrd_regex value=".*a.*b.*c.*d"/>'],
  ['no pattern at all', '<name value="x"/><alarm_trigger_level value="1"/><rrd_regex value="["/>'],
])('%s is not watched', (_what, text) =>
  expect(rrd.watchesIn(config(text, cpu), 'VM').map((w) => w.name)).toEqual(['cpu_usage']),
);

test('what is no XML of this kind watches nothing', () =>
  expect(['', '<config/>', 'cpu'].flatMap((text) => rrd.watchesIn(text, 'VM'))).toEqual([]));

test('it must be bad all the time, on the bad side, and known', () => {
  const high = only(cpu),
    low = only(`${cpu}<alarm_trigger_sense value="low"/>`);
  const look = (watch: rrd.Watch, readings: readonly number[]): boolean => rrd.isAlarming(watch, readings);
  expect([
    look(high, [0.6, 0.7]),
    look(high, [0.6, 0.4]),
    look(high, [0.6, Number.NaN]),
    look(high, []),
    look(high, [0.5]),
  ]).toEqual([true, false, false, false, false]);
  expect([look(low, [0.4]), look(low, [0.6])]).toEqual([true, false]);
  expect([
    rrd.combined(high, [0.2, 0.4]),
    rrd.combined(only('<name value="n"/><alarm_trigger_level value="1"/>'), [2, 4]),
  ]).toEqual([expect.closeTo(0.3), 6]);
});

test('the body of an alarm is the value and what was said', () => {
  const watch = only(`${cpu}<alarm_trigger_period value="60"/><note value="a &lt; b"/>`);
  const lines = [
    '<name value="cpu_usage"/>',
    '<alarm_trigger_level value="0.5"/>',
    '<alarm_trigger_period value="60"/>',
    '<note value="a &lt; b"/>',
  ];
  expect(rrd.alarmBody(watch, 0.98641378)).toBe(
    `value: 0.986414\nconfig:\n<variable>\n${lines.map((l) => `\t${l}\n`).join('')}</variable>\n`,
  );
});

test('a repository is watched on its hosts', () => {
  const watch = only(`<name value="${rrd.perHost}"/><alarm_trigger_level value="0.01"/>`, 'SR');
  const there = rrd.forHost(watch, '0a1b2c3d-0000-4000-8000-000000000000');
  expect([there?.name, there?.metrics?.test('io_throughput_total_0a1b2c3d')]).toEqual([
    'sr_io_throughput_total_0a1b2c3d',
    true,
  ]);
});

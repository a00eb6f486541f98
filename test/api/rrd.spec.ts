/** Metrics over the wire: what clients that draw graphs ask for, in both forms, and the calls about single metrics. */
import { asRef } from '@xenplane/model';
import { housekeep, openSession, raiseAlarms } from '@xenplane/xapi';
import {
  eventually,
  login,
  password,
  startWorld,
  statusOf,
  untilGuestSpeaks,
  type Call,
  type World,
} from '../world';

let world: World;
let call: Call;
let vm: string;
let vmUuid: string;
let host: string;
let hostUuid: string;
const day = 86_400;

interface Updates {
  readonly meta: {
    readonly start: number;
    readonly step: number;
    readonly end: number;
    readonly rows: number;
    readonly columns: number;
    readonly legend: string[];
  };
  readonly data: readonly { readonly t: number; readonly values: readonly string[] }[];
}
const basic = { authorization: `Basic ${Buffer.from(`root:${password}`).toString('base64')}` };
const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${world.url}${path}`, { headers: { ...basic, ...headers } });
const now = (): number => Math.floor(Date.now() / 1000);
async function updates(query: string): Promise<Updates> {
  const response = await get(`/rrd_updates?json=true&host_uuid=${hostUuid}&${query}`);
  expect([query, response.status, response.headers.get('content-type')]).toEqual([
    query,
    200,
    'application/json',
  ]);
  const text = await response.text();
  expect(Number(response.headers.get('content-length'))).toBe(Buffer.byteLength(text));
  const { meta, data } = JSON.parse(text) as {
    meta: Record<keyof Updates['meta'], unknown>;
    data: { t: unknown; values: string[] }[];
  };
  const numbers = [meta.start, meta.step, meta.end, meta.rows, meta.columns, ...data.map(({ t }) => t)];
  expect([query, numbers.filter((n) => typeof n !== 'string' || !/^\d+$/.test(n))]).toEqual([query, []]);
  const [start = 0, step = 0, end = 0, rows = 0, columns = 0, ...ts] = numbers.map(Number);
  return {
    meta: { start, step, end, rows, columns, legend: meta.legend as string[] },
    data: data.map(({ values }, i) => ({ t: ts[i] ?? 0, values })),
  };
}
/** Newest first, as they came. */
const column = ({ meta, data }: Updates, legend: string): number[] =>
  data.map((row) => Number(row.values[meta.legend.indexOf(legend)]));
const query = (text: string): Promise<unknown> | undefined => world.apis[0]?.plane.store.query(text);

beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  vm = await call<string>(
    'VM.clone',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
    'measured',
  );
  await call('VM.set_VCPUs_max', vm, 2);
  await call('VM.set_VCPUs_at_startup', vm, 2);
  await call('VM.provision', vm);
  const [network] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  await call('VIF.create', {
    device: '0',
    network,
    VM: vm,
    MAC: '',
    MTU: 0,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  await call('VM.start', vm, false, false);
  await untilGuestSpeaks(call, vm);
  [vmUuid, host] = [await call('VM.get_uuid', vm), await call('VM.get_resident_on', vm)];
  hostUuid = await call('host.get_uuid', host);
  // As if everything had been up for some days.
  await query("UPDATE vm_metrics SET start_time = now() - interval '3 days' WHERE start_time > '2000-01-01'");
  await query(
    `UPDATE host SET other_config = other_config || jsonb_build_object('boot_time', '${now() - 10 * day}.')`,
  );
});
afterAll(() => world?.stop());

test.each([
  [5, 120],
  [60, 120],
  [3600, 168],
  [86_400, 366],
])('as Xen Orchestra asks for a graph of %i s: the step asked, %i rows, newest first', async (step, rows) => {
  const start = now() - step * rows + step;
  const found = await updates(`cf=AVERAGE&host=true&interval=${step}&start=${start}`);
  expect([found.meta.step, found.meta.rows, found.data.length]).toEqual([
    step,
    expect.any(Number),
    found.meta.rows,
  ]);
  expect(found.meta.rows).toBeGreaterThanOrEqual(rows - 1);
  expect(found.meta.end % step).toBe(0);
  expect(found.data.map((r) => r.t)).toEqual(
    Array.from({ length: found.meta.rows }, (_, i) => found.meta.end - i * step),
  );
  expect(found.meta.start).toBe(Math.floor(start / step) * step + step);
  expect(found.data.at(-1)?.t).toBeGreaterThanOrEqual(start);
  expect(found.meta.columns).toBe(found.meta.legend.length);
  expect(found.data.every((r) => r.values.length === found.meta.columns)).toBe(true);
  for (const name of [
    'cpu0',
    'cpu_avg',
    'loadavg',
    'memory_free_kib',
    'memory_total_kib',
    'pif_eth0_rx',
    'pif_eth0_tx',
    'pif_aggr_rx',
  ])
    expect(found.meta.legend).toContain(`AVERAGE:host:${hostUuid}:${name}`);
  for (const name of [
    'cpu0',
    'cpu_usage',
    'memory',
    'memory_target',
    'memory_internal_free',
    'vif_0_rx',
    'vif_0_tx',
    'vbd_xvda_read',
    'vbd_xvda_iops_write',
  ])
    expect(found.meta.legend).toContain(`AVERAGE:vm:${vmUuid}:${name}`);
  expect(found.meta.legend.every((l) => /^AVERAGE:(host|vm|sr):[^:]+:[^:]+$/.test(l))).toBe(true);
});

test('the figures are those of the records, and of one another', async () => {
  const found = await updates(`host=true&interval=5&start=-60`);
  const total = Number(
    (await call<{ memory_total: string }>('host_metrics.get_record', await call('host.get_metrics', host)))
      .memory_total,
  );
  const free = await call<number>('host.compute_free_memory', host);
  const newest = (name: string): number | undefined => column(found, `AVERAGE:${name}`)[0];
  expect(newest(`host:${hostUuid}:memory_total_kib`)).toBe(total / 1024);
  await eventually(async () => {
    const again = await updates(`host=true&interval=5&start=-10`);
    expect(column(again, `AVERAGE:host:${hostUuid}:memory_free_kib`)[0]).toBe(free / 1024);
  });
  expect(newest(`vm:${vmUuid}:memory`)).toBe(await call('VM.get_memory_target', vm));
  expect(newest(`host:${hostUuid}:running_domains`)).toBe(
    (await call<string[]>('host.get_resident_VMs', host)).length,
  );
  const rx = newest(`vm:${vmUuid}:vif_0_rx`) ?? 0;
  expect(rx).toBeGreaterThan(0);
  expect(newest(`host:${hostUuid}:pif_eth0_rx`)).toBeGreaterThan(rx);
  expect(newest(`host:${hostUuid}:cpu_avg`)).toBeGreaterThan(0);
  expect(newest(`host:${hostUuid}:cpu_avg`)).toBeLessThan(1);
});

test('a minute is the mean of its slots, and the days before the start are unknown', async () => {
  const legend = (cf: string): string => `${cf}:vm:${vmUuid}:cpu0`;
  const fine = await updates(`vm_uuid=${vmUuid}&interval=5&start=-590`);
  for (const [cf, fold] of [
    ['AVERAGE', (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length],
    ['MIN', (v: number[]) => Math.min(...v)],
    ['MAX', (v: number[]) => Math.max(...v)],
    ['LAST', (v: number[]) => v[0] ?? Number.NaN],
  ] as const) {
    const coarse = await updates(`vm_uuid=${vmUuid}&interval=60&start=-400&cf=${cf}`);
    const row = coarse.data[2];
    const slots = fine.data.flatMap((r, i) =>
      r.t <= (row?.t ?? 0) && r.t > (row?.t ?? 0) - 60 ? [column(fine, legend('AVERAGE'))[i] ?? 0] : [],
    );
    expect(slots).toHaveLength(12);
    expect(column(coarse, legend(cf))[2]).toBeCloseTo(fold(slots), 10);
  }
  const days = column(await updates(`vm_uuid=${vmUuid}&interval=86400&start=-${9 * day}`), legend('AVERAGE'));
  expect(days.slice(0, 2).every((v) => v > 0)).toBe(true);
  expect(days.slice(4).every(Number.isNaN)).toBe(true);
});

test('only what is asked for: one VM, several, none; what does not run is left out', async () => {
  const owners = async (q: string): Promise<string[]> => [
    ...new Set((await updates(`start=-20&${q}`)).meta.legend.map((l) => l.split(':').slice(1, 3).join(':'))),
  ];
  const dom0 = await call<string>('VM.get_uuid', await call('host.get_control_domain', host));
  expect((await owners('')).sort()).toEqual([`vm:${dom0}`, `vm:${vmUuid}`].sort());
  expect(await owners(`vm_uuid=${vmUuid}`)).toEqual([`vm:${vmUuid}`]);
  expect(await owners(`vm_uuid=`)).toEqual([]);
  expect(await owners(`vm_uuid=&host=true`)).toEqual([`host:${hostUuid}`]);
  const template = await call<string>(
    'VM.get_uuid',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
  );
  expect(await owners(`vm_uuid=${template}&vm_uuid=${vmUuid}&vm_uuid=no-such`)).toEqual([`vm:${vmUuid}`]);
});

test('the same in XML, and JSON for who accepts only that', async () => {
  const xml = await get(`/rrd_updates?start=-20&vm_uuid=${vmUuid}`);
  expect(xml.headers.get('content-type')).toBe('text/xml');
  const text = await xml.text();
  const one = (name: string): string => `<${name}>\\d+</${name}>`;
  const meta = ['start', 'step', 'end', 'rows', 'columns'].map(one).join('');
  expect(text).toMatch(
    new RegExp(
      `^<\\?xml version="1.0"\\?><xport><meta>${meta}<legend>(<entry>AVERAGE:vm:${vmUuid}:\\w+</entry>)+</legend></meta><data>(<row><t>\\d+</t>(<v>[^<]+</v>)+</row>)+</data></xport>$`,
    ),
  );
  const json = await get(`/rrd_updates?start=-20`, { accept: 'application/json' });
  expect(((await json.json()) as { meta: { step: string } }).meta.step).toBe('5');
});

test('whole archives of a host, a VM and a repository', async () => {
  const response = await get(`/vm_rrd?uuid=${vmUuid}&json=true`);
  const dump = (await response.json()) as {
    step: string;
    ds: { name: string }[];
    rra: { pdp_per_row: string; database: string[][] }[];
  };
  expect(dump.rra.map((a) => [a.pdp_per_row, a.database.length])).toEqual([
    ['1', 120],
    ['12', 120],
    ['720', 168],
    ['17280', 366],
  ]);
  const at = dump.ds.findIndex((d) => d.name === 'memory');
  const memory = String(await call('VM.get_memory_target', vm));
  expect(dump.rra[0]?.database.every((row) => row[at] === memory)).toBe(true);
  expect(dump.rra[2]?.database.slice(-70).every((row) => row[at] === memory)).toBe(true);
  expect(dump.rra[2]?.database.slice(0, 90).every((row) => row[at] === 'NaN')).toBe(true);
  const text = await (await get(`/host_rrds?host_uuid=${hostUuid}`)).text();
  expect(text).toMatch(
    /^<\?xml version="1.0"\?><rrd><version>0003<\/version><step>5<\/step><lastupdate>\d+<\/lastupdate><ds><name>cpu0<\/name><type>DERIVE<\/type>/,
  );
  expect(text.match(/<rra>/g)).toHaveLength(4);
  const [sr] = Object.values(await call<Record<string, { uuid: string }>>('SR.get_all_records'));
  expect((await get(`/sr_rrd?uuid=${sr?.uuid}`)).status).toBe(200);
});

test.each([
  ['/rrd_updates', 400],
  ['/rrd_updates?start=soon', 400],
  ['/rrd_updates?start=0&cf=MEDIAN', 400],
  ['/rrd_updates?start=0&host_uuid=none', 404],
  ['/vm_rrd', 400],
  ['/vm_rrd?uuid=none', 404],
  ['/vm_rrds?uuid=none', 404],
  ['/sr_rrd', 400],
  ['/sr_rrd?uuid=none', 404],
])('%s is refused with %i', async (path, status) => {
  expect((await get(path)).status).toBe(status);
  const answer = await fetch(`${world.url}${path}`);
  expect(answer.status).toBe(401);
});

test('pages of other servers may read metrics and blobs', async () => {
  const [sr] = Object.values(await call<Record<string, { uuid: string }>>('SR.get_all_records'));
  const blob = await call<string>('blob.create', 'text/plain', true);
  const put = await fetch(`${world.url}/blob?ref=${blob}`, { method: 'PUT', body: 'x', headers: basic });
  const heads = ({ headers }: Response): (string | null)[] => [
    headers.get('access-control-allow-origin'),
    headers.get('access-control-allow-headers'),
  ];
  expect(heads(put)).toEqual(['*', null]);
  for (const json of ['', '&json=true']) {
    for (const path of ['/rrd_updates?start=-10'])
      expect([path, ...heads(await get(path + json))]).toEqual([path, '*', 'X-Requested-With']);
    for (const path of [
      `/vm_rrd?uuid=${vmUuid}`,
      `/vm_rrds?uuid=${vmUuid}`,
      '/host_rrd?',
      '/host_rrds?',
      `/sr_rrd?uuid=${sr?.uuid}`,
      `/blob?ref=${blob}`,
    ])
      expect([path, ...heads(await get(path + json))]).toEqual([path, '*', null]);
  }
});

test('archives may be handed over by who may', async () => {
  const put = (path: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${world.url}${path}`, { method: 'PUT', body: '<rrd/>', headers });
  expect((await put(`/rrd?uuid=${vmUuid}`, basic)).status).toBe(200);
  expect((await put('/rrd', basic)).status).toBe(400);
  expect((await put('/rrd?uuid=none&is_host=true', basic)).status).toBe(404);
  const [api] = world.apis;
  const reader =
    api &&
    (await openSession(api.plane, {
      user: 'reader',
      root: false,
      originator: 'test',
      role: 'read-only',
      userRef: asRef('OpaqueRef:NULL'),
    }));
  expect((await put(`/rrd?uuid=${vmUuid}&session_id=${reader}`, {})).status).toBe(403);
  expect(await statusOf(fetch(`${world.url}/rrd_updates?start=-10&session_id=${reader}`))).toBe(200);
});

interface DataSource {
  readonly name_label: string;
  readonly enabled: boolean;
  readonly standard: boolean;
  readonly units: string;
  readonly min: number;
  readonly max: number;
  readonly value: number;
}
test('single metrics are listed, asked for, recorded and forgotten', async () => {
  const list = async (): Promise<ReadonlyMap<string, DataSource>> =>
    new Map((await call<DataSource[]>('VM.get_data_sources', vm)).map((d) => [d.name_label, d]));
  const recorded = async (): Promise<readonly string[]> =>
    (await updates(`start=-20&vm_uuid=${vmUuid}`)).meta.legend.map((l) => l.split(':')[3] ?? '');
  expect((await list()).get('cpu0')).toMatchObject({
    enabled: true,
    standard: true,
    units: '(fraction)',
    min: 0,
    max: 1,
  });
  expect((await list()).get('runstate_blocked')).toMatchObject({ enabled: false, standard: false });
  expect(await call('VM.query_data_source', vm, 'memory')).toBe(await call('VM.get_memory_target', vm));
  const usage = await call<number>('VM.query_data_source', vm, 'cpu_usage');
  expect(usage > 0 && usage <= 1).toBe(true);
  await expect(call('VM.query_data_source', vm, 'runstate_blocked')).rejects.toThrow(
    'INTERNAL_ERROR Rrd.Invalid_data_source("runstate_blocked")',
  );
  await expect(call('VM.record_data_source', vm, 'nothing')).rejects.toThrow(
    'INTERNAL_ERROR Rrd.Invalid_data_source("nothing")',
  );

  await call('VM.record_data_source', vm, 'runstate_blocked');
  await call('VM.forget_data_source_archives', vm, 'cpu0');
  expect((await list()).get('runstate_blocked')).toMatchObject({ enabled: true, standard: false });
  expect((await list()).get('cpu0')).toMatchObject({ enabled: false, standard: true });
  expect(await recorded()).toContain('runstate_blocked');
  expect(await recorded()).not.toContain('cpu0');
  const values = column(
    await updates(`start=-300&vm_uuid=${vmUuid}`),
    `AVERAGE:vm:${vmUuid}:runstate_blocked`,
  );
  expect(values.slice(3).every(Number.isNaN)).toBe(true);

  await call('host.record_data_source', host, 'cpu0-C1');
  const hostList = await call<DataSource[]>('host.get_data_sources', host);
  expect(hostList.find((d) => d.name_label === 'cpu0-C1')).toMatchObject({ enabled: true, standard: false });
  expect(await call('host.query_data_source', host, 'memory_total_kib')).toBeGreaterThan(0);
  await call('host.forget_data_source_archives', host, 'cpu0-C1');
  await expect(call('host.query_data_source', host, 'cpu0-C1')).rejects.toThrow('Invalid_data_source');
  const [sr] = await call<string[]>('SR.get_all');
  expect(await call('SR.get_data_sources', sr)).toEqual([]);
  await expect(call('SR.query_data_source', sr, 'x')).rejects.toThrow('Invalid_data_source');
  await expect(call('VM.get_data_sources', 'OpaqueRef:none')).rejects.toThrow(
    'HANDLE_INVALID VM OpaqueRef:none',
  );
});

describe('alarms', () => {
  const perfmon = (...variables: readonly Record<string, string>[]): string =>
    `<config>${variables
      .map(
        (v) =>
          `<variable>${Object.entries(v)
            .map(([key, value]) => `<${key} value="${value}"/>`)
            .join('')}</variable>`,
      )
      .join('')}</config>`;
  const alarmsOf = async (
    cls: string,
    uuid: string,
  ): Promise<{ name: string; priority: string; body: string }[]> =>
    Object.values(
      await call<Record<string, { name: string; priority: string; body: string }>>(
        'message.get',
        cls,
        uuid,
        '19700101T00:00:00Z',
      ),
    ).filter((m) => m.name === 'ALARM');
  const look = (): Promise<unknown> => call('host.call_plugin', host, 'perfmon', 'refresh', {});

  test('what is beyond its level is told once in an hour, and what is not is not', async () => {
    const watched = perfmon(
      { name: 'cpu_usage', alarm_trigger_level: '0', alarm_trigger_period: '120' },
      { name: 'network_usage', alarm_trigger_level: '1e15' },
      {
        name: 'memory',
        alarm_trigger_level: '1e15',
        alarm_trigger_sense: 'low',
        alarm_priority: '2',
        rrd_regex: 'memory',
      },
    );
    await call('VM.add_to_other_config', vm, 'perfmon', watched);
    expect(await look()).toBe('True');
    const raised = await eventually(async () => {
      const found = await alarmsOf('VM', vmUuid);
      expect(found).toHaveLength(2);
      return found;
    });
    await look();
    await Promise.all(world.apis.map((api) => raiseAlarms(api.plane)));
    expect(await alarmsOf('VM', vmUuid)).toHaveLength(2);
    const [cpu] = raised.filter((m) => m.body.includes('cpu_usage'));
    expect(Number(cpu?.priority)).toBe(3);
    expect(cpu?.body).toMatch(
      /^value: 0\.\d{6}\nconfig:\n<variable>\n\t<name value="cpu_usage"\/>\n\t<alarm_trigger_level value="0"\/>\n\t<alarm_trigger_period value="120"\/>\n<\/variable>\n$/,
    );
    await query(`UPDATE setting SET value = '{"at": 0}' WHERE key = 'alarm/VM/${vmUuid}/cpu_usage'`);
    await look();
    await eventually(async () => expect(await alarmsOf('VM', vmUuid)).toHaveLength(3));
  });

  test('hosts and repositories are watched too, a repository on each host that has it', async () => {
    const [sr = ''] = await call<string[]>('SR.get_all')
      .then((all) =>
        Promise.all(all.map(async (ref) => ((await call('SR.get_type', ref)) === 'nfs' ? ref : ''))),
      )
      .then((all) => all.filter(Boolean));
    const uuid = await call<string>('SR.get_uuid', sr);
    await call(
      'SR.add_to_other_config',
      sr,
      'perfmon',
      perfmon(
        { name: 'physical_utilisation', alarm_trigger_level: '-1' },
        { name: 'sr_io_throughput_total_per_host', alarm_trigger_level: '-1' },
      ),
    );
    await call(
      'host.add_to_other_config',
      host,
      'perfmon',
      perfmon({ name: 'memory_free_kib', alarm_trigger_level: '1e12', alarm_trigger_sense: 'low' }),
    );
    await look();
    await eventually(async () => {
      expect(await alarmsOf('SR', uuid)).toHaveLength(1);
      const found = (await alarmsOf('Host', hostUuid)).map((m) => /name value="(\w+)"/.exec(m.body)?.[1]);
      expect(found.sort()).toEqual(['memory_free_kib', `sr_io_throughput_total_${uuid.slice(0, 8)}`]);
    });
  });

  test('what was noted of alarms long ago goes', async () => {
    await query(`INSERT INTO setting(key, value) VALUES ('alarm/VM/gone/cpu_usage', '{"at": 1000}')`);
    const [api] = world.apis;
    if (!api) throw new Error('no API');
    await housekeep(api.plane);
    expect(await query(`SELECT key FROM setting WHERE key = 'alarm/VM/gone/cpu_usage'`)).toEqual([]);
    expect(await query(`SELECT key FROM setting WHERE key = 'alarm/VM/${vmUuid}/cpu_usage'`)).toHaveLength(1);
  });
});

/** The metrics of a real host: name, unit, kind, bounds (none where absent), and whether each is recorded by default. */
type Measured = readonly [
  name: RegExp,
  units: string,
  kind: string,
  bounds?: { readonly min?: number; readonly max?: number },
  usual?: boolean,
];
const share = { min: 0, max: 1 },
  positive = { min: 0 };
const traffic: readonly Measured[] = [
  [/_(rx|tx)_errors$/, 'err/s', 'DERIVE', positive, false],
  [/latency/, 'μs', 'GAUGE', positive],
  [/io_throughput/, 'MiB/s', 'ABSOLUTE', positive],
  [/iops/, 'requests/s', 'ABSOLUTE', positive],
  [/iowait/, 's/s', 'ABSOLUTE', positive],
  [/inflight|avgqu_sz/, 'requests', 'GAUGE', positive],
  [/_(read|write|rx|tx)$|^(read|write)_[0-9a-f]{8}$/, 'B/s', 'DERIVE', positive],
];
const ofHosts: readonly Measured[] = [
  [/^cpu(\d+|_avg)$/, '(fraction)', 'DERIVE', share],
  [/^loadavg$/, '(fraction)', 'GAUGE'],
  [/^hostload$/, '(fraction)', 'GAUGE', positive],
  [/^running_(vcpus|domains)$|^Tapdisks_in_low_memory_mode$/, 'count', 'GAUGE', positive],
  [/^memory_(total|free)_kib$|^xapi_(memory_usage|free_memory|live_memory)_kib$/, 'KiB', 'GAUGE', positive],
  [/^memory_reclaimed(_max)?$/, 'B', 'GAUGE'],
  [/^xapi_allocation_kib$/, 'KiB', 'DERIVE', positive],
  [/^xapi_open_fds$/, 'file descriptors', 'GAUGE', positive],
  [/^pool_session_count$/, 'sessions', 'GAUGE', positive],
  [/^pool_task_count$/, 'tasks', 'GAUGE', positive],
  [/^pool_session_creation_rate$/, 'sessions/s', 'DERIVE', positive],
  [/^pool_vgpu_migration_rate$/, 'migrations/s', 'ABSOLUTE', positive],
  [/^DCMI-power-reading$/, 'W', 'GAUGE', { max: 65_534 }],
  ...traffic,
];
const ofVms: readonly Measured[] = [
  [/^cpu(\d+|_usage)$/, '(fraction)', 'DERIVE', share],
  [/^memory(_target)?$/, 'B', 'GAUGE', positive],
  [/^memory_internal_free$/, 'KiB', 'GAUGE', positive],
  [/^runstate_|^runnable_|^numa_node_nonaffine_vcpus$/, '(fraction)', 'DERIVE', share, false],
  [/^numa_nodes$/, 'count', 'GAUGE', positive, false],
  [/^memory_numa_node_\d+$/, 'B', 'GAUGE', positive, false],
  ...traffic,
];
interface Source {
  readonly name_label: string;
  readonly units: string;
  readonly standard: boolean;
  readonly min: number;
  readonly max: number;
}
test.each([
  ['host', () => host, () => `/host_rrd?host_uuid=${hostUuid}`, ofHosts],
  ['VM', () => vm, () => `/vm_rrd?uuid=${vmUuid}`, ofVms],
])(
  'every metric of a %s has the unit, bounds and kind that a real one has',
  async (cls, ref, archive, facts) => {
    const all = await call<Source[]>(`${cls}.get_data_sources`, ref());
    const dump = (await (await get(`${archive()}&json=true`)).json()) as {
      ds: readonly { name: string; type: string }[];
    };
    const kinds = new Map(dump.ds.map(({ name, type }) => [name, type]));
    for (const { name_label: name, units, standard, min, max } of all.filter(
      (s) => !/^cpu\d+-[CP]\d+$|^CPU\d+-avg-freq$/.test(s.name_label),
    )) {
      const [, unit, kind, bounds, usual = true] = facts.find(([pattern]) => pattern.test(name)) ?? [];
      const mostNegative = -Number.MAX_VALUE;
      expect([name, units, standard, min, max]).toEqual([
        name,
        unit,
        usual,
        bounds?.min ?? mostNegative,
        bounds?.max ?? Number.MAX_VALUE,
      ]);
      if (name !== 'Tapdisks_in_low_memory_mode')
        expect([name, kinds.get(name) ?? kind]).toEqual([name, kind]);
    }
    expect(facts.filter(([pattern]) => !all.some((s) => pattern.test(s.name_label)))).toEqual([]);
  },
);

test('what has stopped keeps what it had', async () => {
  await call('VM.hard_shutdown', vm);
  expect((await updates(`start=-20&vm_uuid=${vmUuid}`)).meta.legend).toEqual([]);
  await expect(call('VM.get_data_sources', vm)).rejects.toThrow(`VM_BAD_POWER_STATE ${vm} running halted`);
  const dump = (await (await get(`/vm_rrd?uuid=${vmUuid}&json=true`)).json()) as {
    lastupdate: string;
    ds: { name: string }[];
    rra: { database: string[][] }[];
  };
  expect(Math.abs(Number(dump.lastupdate) - now())).toBeLessThan(60);
  const at = dump.ds.findIndex((d) => d.name === 'memory');
  expect(Number(dump.rra[0]?.database.at(-1)?.[at])).toBe(await call('VM.get_memory_target', vm));
  const template = await call<string>(
    'VM.get_uuid',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
  );
  expect((await get(`/vm_rrd?uuid=${template}`)).status).toBe(404);
  await call('VM.destroy', vm);
  expect((await get(`/vm_rrd?uuid=${vmUuid}`)).status).toBe(404);
  const [api] = world.apis;
  const choices = (): unknown =>
    query("SELECT key FROM setting WHERE key LIKE 'data_sources/%' ORDER BY key");
  expect(await choices()).toEqual([
    { key: `data_sources/VM/${vmUuid}` },
    { key: `data_sources/host/${hostUuid}` },
  ]);
  if (api) await housekeep(api.plane);
  expect(await choices()).toEqual([{ key: `data_sources/host/${hostUuid}` }]);
});

import fc from 'fast-check';
import { dumpJson, dumpXml, numberText, updatesJson, updatesXml, type Updates } from './index';

const whole = (pieces: Iterable<string>): string => [...pieces].join('');

test.each([
  [0, '0.0'],
  [-0, '0.0'],
  [1, '1'],
  [0.1, '0.1'],
  [1 / 3, '0.333333333333333'],
  [Number.NaN, 'NaN'],
  [Infinity, 'Infinity'],
  [-Infinity, '-Infinity'],
  [1e15, '1e+15'],
  [123456789012345, '123456789012345'],
  [0.00012, '0.00012'],
  [0.000012, '1.2e-05'],
  [1e-10, '1e-10'],
  [-2.5e100, '-2.5e+100'],
])('%d is written %s', (value, text) => expect(numberText(value)).toBe(text));

test('every number is read back, but for what comes after 15 digits', () => {
  const numbers = fc.oneof(
    fc.double({ noNaN: true, min: -1e300, max: 1e300 }),
    fc.double({ noNaN: true, min: -1e16, max: 1e16 }),
    fc.double({ noNaN: true, min: -1, max: 1 }),
  );
  fc.assert(
    fc.property(numbers, (x) => {
      const text = numberText(x);
      expect(Math.abs(Number(text) - x)).toBeLessThanOrEqual(Math.abs(x) * 5.1e-15);
      expect(text.replace(/e.*/, '').replace(/[-.]/g, '').replace(/^0+/, '').length).toBeLessThanOrEqual(15);
    }),
    { numRuns: 2000 },
  );
});

const updates: Updates = {
  step: 60,
  end: 6000,
  rows: 2,
  start: 5940,
  columns: [
    { legend: 'AVERAGE:host:u:cpu0', values: [0.25, Number.NaN] },
    { legend: 'AVERAGE:vm:<v>:memory', values: [0, 4096] },
  ],
};
test('updates, newest row first', () => {
  expect(JSON.parse(whole(updatesJson(updates)))).toEqual({
    meta: {
      start: '5940',
      step: '60',
      end: '6000',
      rows: '2',
      columns: '2',
      legend: ['AVERAGE:host:u:cpu0', 'AVERAGE:vm:<v>:memory'],
    },
    data: [
      { t: '6000', values: ['NaN', '4096'] },
      { t: '5940', values: ['0.25', '0.0'] },
    ],
  });
  expect(whole(updatesXml(updates))).toBe(
    '<?xml version="1.0"?><xport><meta><start>5940</start><step>60</step><end>6000</end><rows>2</rows><columns>2</columns>' +
      '<legend><entry>AVERAGE:host:u:cpu0</entry><entry>AVERAGE:vm:&lt;v&gt;:memory</entry></legend></meta>' +
      '<data><row><t>6000</t><v>NaN</v><v>4096</v></row><row><t>5940</t><v>0.25</v><v>0.0</v></row></data></xport>',
  );
  expect(JSON.parse(whole(updatesJson({ ...updates, rows: 0, start: 77 })))).toMatchObject({
    meta: { start: '77', rows: '0' },
    data: [],
  });
});

test('a dump, oldest row first', () => {
  const dump = {
    step: 5,
    lastUpdate: 6000,
    sources: [{ name: 'cpu0', type: 'DERIVE', min: 0, max: 1, last: 0.5 }],
    archives: [{ cf: 'AVERAGE', slotsPerRow: 12, rows: 2, columns: [[0.25, Number.NaN]] }],
  };
  const ds = {
    name: 'cpu0',
    type: 'DERIVE',
    minimal_heartbeat: '300',
    min: '0.0',
    max: '1',
    last_ds: '0.5',
    value: '0.0',
    unknown_sec: '0',
  };
  const json = JSON.parse(whole(dumpJson(dump))) as { rra: { database: unknown }[] };
  expect(json).toMatchObject({
    version: '0003',
    step: '5',
    lastupdate: '6000',
    ds: [ds],
    rra: [{ cf: 'AVERAGE', pdp_per_row: '12', params: { xff: '0.5' } }],
  });
  expect(json.rra[0]?.database).toEqual([['0.25'], ['NaN']]);
  expect(whole(dumpXml(dump))).toBe(
    '<?xml version="1.0"?><rrd><version>0003</version><step>5</step><lastupdate>6000</lastupdate>' +
      '<ds><name>cpu0</name><type>DERIVE</type><minimal_heartbeat>300</minimal_heartbeat><min>0.0</min><max>1</max><last_ds>0.5</last_ds><value>0.0</value><unknown_sec>0</unknown_sec></ds>' +
      '<rra><cf>AVERAGE</cf><pdp_per_row>12</pdp_per_row><params><xff>0.5</xff></params>' +
      '<cdp_prep><ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.0</value><unknown_datapoints>0</unknown_datapoints></ds></cdp_prep>' +
      '<database><row><v>0.25</v></row><row><v>NaN</v></row></database></rra></rrd>',
  );
});

/** Sections 0, 1.2 and 1.3 of the protocol notes: calls and their answers, byte for byte. */
import { startWorld, type World } from '../world';
import { post, result, sessionOf, xmlCall } from './raw';

let world: World;
let session: string;
let pool: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  session = await sessionOf(world);
  [pool = ''] = await result<string[]>(world, 'pool.get_all', session);
});
afterAll(() => world?.stop());

const inXml = (inner: string): string =>
  `<methodResponse><params><param>${inner}</param></params></methodResponse>`;

describe('XML-RPC', () => {
  const answerOf = async (method: string, ...values: string[]): Promise<string> =>
    (await post(world, '/RPC2', xmlCall(method, ...values))).body.replace(/^<\?xml[^>]*\?>\s*/, '');
  const success = (value: string): string =>
    inXml(
      `<value><struct><member><name>Status</name><value>Success</value></member><member><name>Value</name>${value}</member></struct></value>`,
    );

  test.each<[string, string, () => string[], (() => string) | string]>([
    ['text is untyped', 'pool.get_name_label', () => [pool], '<value></value>'],
    ['a flag is 0 or 1', 'pool.get_ha_enabled', () => [pool], '<value><boolean>0</boolean></value>'],
    ['an integer is untyped', 'pool.get_ha_host_failures_to_tolerate', () => [pool], '<value>0</value>'],
    [
      'void is the empty text, and there',
      'pool.set_tags',
      () => [pool, '<array><data></data></array>'],
      '<value></value>',
    ],
    [
      'a set is an array',
      'pool.get_all',
      () => [],
      () => `<value><array><data><value>${pool}</value></data></array></value>`,
    ],
  ])('%s', async (_claim, method, values, expected) => {
    await result(world, 'pool.set_name_label', session, pool, '');
    expect(await answerOf(method, session, ...values())).toBe(
      success(typeof expected === 'string' ? expected : expected()),
    );
  });

  test('a failure is a struct with an array of texts, never a fault', async () => {
    const error = ['HANDLE_INVALID', 'VM', 'OpaqueRef:none'].map((v) => `<value>${v}</value>`).join('');
    expect(await answerOf('VM.get_record', session, 'OpaqueRef:none')).toBe(
      inXml(
        `<value><struct><member><name>Status</name><value>Failure</value></member><member><name>ErrorDescription</name><value><array><data>${error}</data></array></value></member></struct></value>`,
      ),
    );
  });

  test.each([['no session'], ['surplus parameters', '<i4>1</i4>', 'x']])(
    'system.listMethods is the bare list: %s',
    async (_claim, ...values) => {
      const body = await answerOf('system.listMethods', ...values);
      expect(body).toMatch(/^<methodResponse><params><param><value><array><data><value>/);
      expect(body).toContain('<value>VM_guest_metrics.get_all_records</value>');
      expect(body).not.toContain('Status');
    },
  );

  test('only <, >, & and " are escaped in what was given, and control characters are dropped', async () => {
    await result(world, 'pool.set_name_description', session, pool, 'a<b>&"c\'\u0001\td');
    expect(await answerOf('pool.get_name_description', session, pool)).toBe(
      success("<value>a&lt;b&gt;&amp;&quot;c'\td</value>"),
    );
  });

  test.each([
    [
      'a date',
      'task.get_created',
      /<value><dateTime\.iso8601>\d{8}T\d\d:\d\d:\d\dZ<\/dateTime\.iso8601><\/value>/,
    ],
    [
      'never',
      'task.get_finished',
      /<value><dateTime\.iso8601>19700101T00:00:00Z<\/dateTime\.iso8601><\/value>/,
    ],
    ['a float', 'task.get_progress', /<value><double>0(\.0)?<\/double><\/value>/],
    ['an enum', 'task.get_status', /<value>pending<\/value>/],
    ['a map', 'task.get_other_config', /<value><struct><\/struct><\/value>|<value><struct\/><\/value>/],
    ['the null reference', 'task.get_subtask_of', /<value>OpaqueRef:NULL<\/value>/],
  ])('%s on the wire', async (_claim, method, form) => {
    const task = await result<string>(world, 'task.create', session, 'typed', '');
    expect(await answerOf(method, session, task)).toMatch(form);
  });

  test.each([
    ['an integer as i4', '<i4>2</i4>'],
    ['an integer as int', '<int>2</int>'],
    ['an integer as i8', '<i8>2</i8>'],
    ['an integer as text', '2'],
    ['an integer as typed text', '<string>2</string>'],
  ])('%s is taken', async (_claim, value) => {
    const [network = ''] = await result<string[]>(world, 'network.get_all', session);
    expect(await answerOf('network.set_MTU', session, network, value)).toBe(success('<value></value>'));
    expect(await answerOf('network.get_MTU', session, network)).toBe(success('<value>2</value>'));
  });
});

describe('what XML-RPC takes', () => {
  const answerOf = async (method: string, ...values: string[]): Promise<string> =>
    (await post(world, '/RPC2', xmlCall(method, session, ...values))).body;
  const ok = '<name>Status</name><value>Success</value>';

  test.each([
    ['a flag that is 1', '<boolean>1</boolean>', true],
    ['a flag that is 0', '<boolean>0</boolean>', false],
    ['a flag that is a word', '<boolean>true</boolean>', false],
  ])('%s', async (_claim, value, is) => {
    const [pif = ''] = await result<string[]>(world, 'PIF.get_all', session);
    expect(await answerOf('PIF.set_disallow_unplug', pif, value)).toContain(ok);
    expect(await result(world, 'PIF.get_disallow_unplug', session, pif)).toBe(is);
  });
  test('no text is a flag', async () => {
    const [pif = ''] = await result<string[]>(world, 'PIF.get_all', session);
    expect(await answerOf('PIF.set_disallow_unplug', pif, 'true')).toContain('<value>INTERNAL_ERROR</value>');
  });

  test.each([
    ['a double', '<double>0.25</double>'],
    ['a text', '0.25'],
  ])('a float as %s', async (_claim, value) => {
    const task = await result<string>(world, 'task.create', session, 'moved', '');
    expect(await answerOf('task.set_progress', task, value)).toContain(ok);
    expect(await answerOf('task.get_progress', task)).toContain('<value><double>0.25</double></value>');
    expect(await answerOf('task.set_progress', task, '<int>1</int>')).toContain(ok);
    expect(await answerOf('task.get_progress', task)).toContain('<value><double>1</double></value>');
  });

  test.each([
    ['a date', '<dateTime.iso8601>20260821T10:00:00Z</dateTime.iso8601>'],
    ['a date without a zone', '<dateTime.iso8601>20260821T10:00:00</dateTime.iso8601>'],
    ['a date with dashes', '<dateTime.iso8601>2026-08-21T10:00:00Z</dateTime.iso8601>'],
    ['a text that is a date', '20260821T10:00:00Z'],
    ['a text without a zone', '2026-08-21T10:00:00'],
  ])('%s', async (_claim, value) => expect(await answerOf('message.get_since', value)).toContain(ok));
  test('no other text is a date', async () =>
    expect(await answerOf('message.get_since', 'yesterday')).toContain('<value>INTERNAL_ERROR</value>'));

  test.each([
    ['an empty value', '', ''],
    ['an empty text', '<string/>', ''],
    ['a typed text', '<string>a &lt;b&gt; &#228;</string>', 'a <b> ä'],
    ['text with space around it', ' a ', ' a '],
    ['base64 for text', `<base64>${btoa('packed')}</base64>`, 'packed'],
  ])('%s', async (_claim, value, text) => {
    expect(await answerOf('pool.set_name_description', pool, value)).toContain(ok);
    expect(await result(world, 'pool.get_name_description', session, pool)).toBe(text);
  });
  test.each([
    ['an empty value', '<value/>'],
    ['a number', '<value><int>1</int></value>'],
  ])('as the elements of a set: %s', async (claim, element) => {
    const body = await answerOf('pool.set_tags', pool, `<array><data>${element}</data></array>`);
    expect(body).toContain(claim === 'a number' ? '<value>INTERNAL_ERROR</value>' : ok);
  });
  test.each([
    ['an empty struct', '<struct/>', {}],
    [
      'a struct',
      '<struct><member><name>a</name><value>1</value></member><member><name>b</name><value/></member></struct>',
      { a: '1', b: '' },
    ],
  ])('a map as %s', async (_claim, value, map) => {
    expect(await answerOf('pool.set_other_config', pool, value)).toContain(ok);
    expect(await result(world, 'pool.get_other_config', session, pool)).toEqual(map);
  });
  test.each(['<array/>', '<array><data/></array>'])('an empty set as %s', async (value) => {
    expect(await answerOf('pool.set_tags', pool, value)).toContain(ok);
    expect(await result(world, 'pool.get_tags', session, pool)).toEqual([]);
  });
  test('an enum in its exact case alone', async () => {
    const [network = ''] = await result<string[]>(world, 'network.get_all', session);
    expect(await answerOf('network.set_default_locking_mode', network, 'Unlocked')).toContain(
      '<value>INTERNAL_ERROR</value>',
    );
    expect(await answerOf('network.set_default_locking_mode', network, 'unlocked')).toContain(ok);
  });
});

describe('JSON-RPC', () => {
  test.each<[string, () => object, () => string]>([
    [
      '1.0, a result',
      () => ({ method: 'pool.get_all', params: [session], id: 7 }),
      () => `{"result":["${pool}"],"error":null,"id":7}`,
    ],
    [
      '1.0, an error',
      () => ({ method: 'VM.get_record', params: [session, 'OpaqueRef:x'], id: 7 }),
      () => '{"result":null,"error":["HANDLE_INVALID","VM","OpaqueRef:x"],"id":7}',
    ],
    [
      '2.0, a result',
      () => ({ jsonrpc: '2.0', method: 'pool.get_all', params: [session], id: 7 }),
      () => `{"jsonrpc":"2.0","result":["${pool}"],"id":7}`,
    ],
    [
      '2.0, an error',
      () => ({ jsonrpc: '2.0', method: 'VM.get_record', params: [session, 'OpaqueRef:x'], id: 7 }),
      () =>
        '{"jsonrpc":"2.0","error":{"code":1,"message":"HANDLE_INVALID","data":["VM","OpaqueRef:x"]},"id":7}',
    ],
    [
      'an id of text is echoed as text',
      () => ({ jsonrpc: '2.0', method: 'pool.get_all', params: [session], id: '7' }),
      () => `{"jsonrpc":"2.0","result":["${pool}"],"id":"7"}`,
    ],
    [
      'void is the empty text',
      () => ({ jsonrpc: '2.0', method: 'pool.set_tags', params: [session, pool, []], id: 1 }),
      () => '{"jsonrpc":"2.0","result":"","id":1}',
    ],
    [
      'there is no system.multicall',
      () => ({ jsonrpc: '2.0', method: 'system.multicall', id: 1 }),
      () =>
        '{"jsonrpc":"2.0","error":{"code":1,"message":"MESSAGE_METHOD_UNKNOWN","data":["system.multicall"]},"id":1}',
    ],
    [
      'an integer is a number',
      () => ({
        jsonrpc: '2.0',
        method: 'pool.get_ha_host_failures_to_tolerate',
        params: [session, pool],
        id: 1,
      }),
      () => '{"jsonrpc":"2.0","result":0,"id":1}',
    ],
    [
      'a flag is a flag',
      () => ({ jsonrpc: '2.0', method: 'pool.get_ha_enabled', params: [session, pool], id: 1 }),
      () => '{"jsonrpc":"2.0","result":false,"id":1}',
    ],
  ])('%s', async (_claim, call, expected) => {
    expect((await post(world, '/jsonrpc', JSON.stringify(call()))).body).toBe(expected());
  });

  test.each([
    ['absent', {}],
    ['null', { params: null }],
    ['an empty list', { params: [] }],
    ['an object, which is one parameter', { params: { any: 'thing' } }],
  ])('in 2.0 the params may be %s', async (_claim, more) => {
    const { body } = await post(
      world,
      '/jsonrpc',
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'system.listMethods', ...more }),
    );
    expect(JSON.parse(body)).toMatchObject({
      jsonrpc: '2.0',
      id: 1,
      result: expect.arrayContaining(['VM.start', 'event.from']),
    });
  });
});

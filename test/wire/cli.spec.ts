/** Section 3.2 of the protocol notes and the transcript of the real xe: frames as bytes over a bare socket. */
import net from 'node:net';
import { eventually, startWorld, type World } from '../world';
import { result, sessionOf } from './raw';

let world: World;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
});
afterAll(() => world?.stop());

const greeting = Buffer.concat([
  Buffer.from('XenSource thin CLI protocol'),
  Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]),
]);
const int = (n: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(n);
  return bytes;
};
const text = (s: string): Buffer => Buffer.concat([int(Buffer.byteLength(s)), Buffer.from(s)]);
const frame = (...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([int(Buffer.concat(parts).length), ...parts]);
const print = (s: string): Buffer => frame(int(9), int(0), text(s));
const printError = (s: string): Buffer => frame(int(9), int(16), text(s));
const usage = printError("For usage run: 'xe help'\n");
const exit = (code: number): Buffer => frame(int(9), int(4), int(code));

/** A client that answers only when a story says so. */
interface Line {
  /** The bytes that the server has sent behind its greeting. */
  readonly heard: () => Buffer;
  readonly closed: () => boolean;
  readonly say: (bytes: Buffer) => void;
}
async function dial(words: readonly string[], end = ''): Promise<Line> {
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  let all = Buffer.alloc(0);
  let closed = false;
  socket
    .on(
      'data',
      (piece) => (all = Buffer.concat([all, typeof piece === 'string' ? Buffer.from(piece) : piece])),
    )
    .on('close', () => (closed = true));
  const body = words.join(`${end}\n`);
  socket.write(
    `POST /cli HTTP/1.0\r\nUser-agent: xe-cli/Unix/0.2\r\noriginator: cli\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  await eventually(async () => expect(all.length).toBeGreaterThanOrEqual(greeting.length));
  expect(all.subarray(0, greeting.length)).toEqual(greeting);
  socket.write(greeting);
  return {
    heard: () => all.subarray(greeting.length),
    closed: () => closed,
    say: (bytes) => void socket.write(bytes),
  };
}
/** All that the server sends behind its greeting, until it closes. */
async function said(words: readonly string[], end = ''): Promise<Buffer> {
  const { heard, closed } = await dial(words, end);
  await eventually(async () => expect(closed()).toBe(true));
  return heard();
}
const root = (): string[] => ['username=root', `password=${world.password}`];

test.each<[string, string[], () => Buffer[]]>([
  ['an unknown command', ['bogus'], () => [printError('Unknown command: bogus\n'), usage, exit(1)]],
  [
    'a parameter that is missing',
    ['vm-param-get', 'uuid=x'],
    () => [printError('Required parameter not found: param-name\n'), usage, exit(1)],
  ],
  [
    'a command on nothing',
    ['vm-start', 'vm=nobody'],
    () => [printError('Error: No matching VMs found\n'), exit(1)],
  ],
  [
    'an unknown field',
    ['vm-list', 'nonsense=1'],
    () => [printError("Error: Unknown field 'nonsense'\n"), exit(1)],
  ],
])('%s, byte for byte', async (_claim, words, frames) => {
  expect(Buffer.concat([await said([...words, ...root()])]).toString('latin1')).toBe(
    Buffer.concat(frames()).toString('latin1'),
  );
});

test('a short list is one print of one line, then the exit', async () => {
  const session = await sessionOf(world);
  const [pool] = await result<string[]>(world, 'pool.get_all', session);
  const uuid = await result<string>(world, 'pool.get_uuid', session, pool);
  expect(await said(['pool-list', '--minimal', ...root()])).toEqual(Buffer.concat([print(uuid), exit(0)]));
  expect(await said(['pool-list', '--minimal', ...root()], '\r')).toEqual(
    Buffer.concat([print(uuid), exit(0)]),
  );
  expect(await said([`session_id=${session}`, 'pool-list', '--minimal'], '\r')).toEqual(
    Buffer.concat([print(uuid), exit(0)]),
  );
});

test('a record is one print that ends with an empty line of its own', async () => {
  const session = await sessionOf(world);
  const [host] = await result<string[]>(world, 'host.get_all', session);
  const uuid = await result<string>(world, 'host.get_uuid', session, host);
  expect(await said(['host-list', 'params=uuid,enabled', ...root()])).toEqual(
    Buffer.concat([print(`uuid ( RO)       : ${uuid}\n    enabled ( RO): true\n\n`), exit(0)]),
  );
});

/** Bytes as the transcript has them. */
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const transcribed = {
  exit: [
    hex('0c 00 00 00 09 00 00 00 04 00 00 00 00 00 00 00'),
    hex('0c 00 00 00 09 00 00 00 04 00 00 00 01 00 00 00'),
  ],
  loadUp: Buffer.concat([hex('17 00 00 00 09 00 00 00 01 00 00 00 0b 00 00 00'), Buffer.from('/srv/up.txt')]),
  prompt: hex('08 00 00 00 09 00 00 00 03 00 00 00'),
  fileSent: Buffer.concat([
    hex('08 00 00 00 0a 00 00 00 05 00 00 00'),
    hex('0c 00 00 00 0b 00 00 00 07 00 00 00 0a 00 00 00'),
    Buffer.from('hello file'),
    hex('08 00 00 00 0b 00 00 00 08 00 00 00'),
  ]),
  bobTyped: Buffer.concat([
    hex('0c 00 00 00 0b 00 00 00 07 00 00 00 03 00 00 00'),
    Buffer.from('bob'),
    hex('08 00 00 00 0b 00 00 00 08 00 00 00'),
  ]),
};

describe('the transcript of the real xe, its bytes', () => {
  let session: string;
  let uuid: string;
  beforeAll(async () => {
    session = await sessionOf(world);
    const fixed = {
      affinity: 'OpaqueRef:NULL',
      user_version: 1,
      is_a_template: false,
      VCPUs_params: {},
      VCPUs_max: 1,
      VCPUs_at_startup: 1,
    };
    const memory = {
      memory_static_max: 2 ** 28,
      memory_dynamic_max: 2 ** 28,
      memory_dynamic_min: 2 ** 28,
      memory_static_min: 2 ** 28,
    };
    const actions = {
      actions_after_shutdown: 'destroy',
      actions_after_reboot: 'restart',
      actions_after_crash: 'restart',
    };
    const pv = {
      PV_bootloader: '',
      PV_kernel: '',
      PV_ramdisk: '',
      PV_args: '',
      PV_bootloader_args: '',
      PV_legacy_args: '',
    };
    const rest = {
      HVM_boot_policy: '',
      HVM_boot_params: {},
      platform: {},
      PCI_bus: '',
      other_config: {},
      recommendations: '',
    };
    const vm = await result<string>(world, 'VM.create', session, {
      name_label: 'demo',
      ...fixed,
      ...memory,
      ...actions,
      ...pv,
      ...rest,
    });
    uuid = await result<string>(world, 'VM.get_uuid', session, vm);
  });

  test('vm-list', async () => {
    const record = `uuid ( RO)           : ${uuid}\n     name-label ( RW): demo\n    power-state ( RO): halted\n\n`;
    expect(await said(['vm-list', 'is-control-domain=false', ...root()])).toEqual(
      Buffer.concat([
        hex('83 00 00 00 09 00 00 00 00 00 00 00 77 00 00 00'),
        Buffer.from(record),
        transcribed.exit[0] ?? Buffer.alloc(0),
      ]),
    );
  });
  test('a file of the user is asked for, and comes in chunks', async () => {
    const [host] = await result<string[]>(world, 'host.get_all', session);
    const line = await dial([
      ...[
        'host-call-plugin',
        `host-uuid=${await result<string>(world, 'host.get_uuid', session, host)}`,
        'plugin=none',
        'fn=none',
      ],
      ...['args:text:file=/srv/up.txt', ...root()],
    ]);
    await eventually(async () => expect(line.heard()).toEqual(transcribed.loadUp));
    line.say(transcribed.fileSent);
    await eventually(async () => expect(line.closed()).toBe(true));
    expect(line.heard().subarray(transcribed.loadUp.length).toString()).toContain('name: none');
    expect(line.heard().subarray(-16)).toEqual(transcribed.exit[1]);
  });
  test('a file that cannot be had', async () => {
    const line = await dial(['pool-crl-install', 'filename=/srv/up.txt', ...root()]);
    await eventually(async () => expect(line.heard()).toEqual(transcribed.loadUp));
    line.say(hex('08 00 00 00 0a 00 00 00 06 00 00 00'));
    await eventually(async () => expect(line.closed()).toBe(true));
    expect(line.heard()).toEqual(
      Buffer.concat([transcribed.loadUp, printError('Failed to read CRL\n'), exit(1)]),
    );
  });
  test('a question, and what is typed', async () => {
    const line = await dial(['vm-uninstall', 'vm=demo', ...root()]);
    const asked = Buffer.concat([
      print('The following items are about to be destroyed'),
      print(`VM : ${uuid} (demo)`),
      print("Type 'yes' to continue"),
      transcribed.prompt,
    ]);
    await eventually(async () => expect(line.heard()).toEqual(asked));
    line.say(transcribed.bobTyped);
    await eventually(async () => expect(line.closed()).toBe(true));
    expect(line.heard()).toEqual(Buffer.concat([asked, print("Aborted (you typed: 'bob')"), exit(0)]));
  });
  test('an error without a sentence of its own is a code and its parameters', async () => {
    expect(await said(['vm-param-get', `uuid=${uuid}`, 'param-name=bogus', ...root()])).toEqual(
      Buffer.concat([frame(int(9), int(14), text('Missing parameter'), int(1), text('bogus')), exit(1)]),
    );
  });
  test.each<[string, string[], number, RegExp]>([
    [
      'a VM goes into a file',
      ['vm-export', 'vm=demo', 'filename=/srv/vm.xva', 'metadata=true'],
      12,
      /^\/export_metadata\?session_id=OpaqueRef:[0-9a-f-]{36}&task_id=OpaqueRef:[0-9a-f-]{36}&ref=OpaqueRef:[0-9a-f-]{36}&use_compression=false&preserve_power_state=false&export_snapshots=false&excluded_device_types=$/,
    ],
    [
      'and comes from one',
      ['vm-import', 'filename=/srv/vm.xva'],
      13,
      /^\/import\?session_id=OpaqueRef:[0-9a-f-]{36}&task_id=OpaqueRef:[0-9a-f-]{36}&restore=false&force=false&dry_run=false&sr_id=OpaqueRef:[0-9a-f-]{36}$/,
    ],
  ])(
    '%s: the address that the user is sent to; without a word of either side it has failed',
    async (_claim, words, tag, url) => {
      const line = await dial([...words, ...root()]);
      const named = Buffer.concat([int(9), int(tag), text('/srv/vm.xva')]);
      await eventually(async () => expect(line.heard().length).toBeGreaterThan(40 + named.length));
      expect(line.heard().subarray(4, 4 + named.length)).toEqual(named);
      expect(
        line
          .heard()
          .subarray(8 + named.length)
          .toString(),
      ).toMatch(url);
      line.say(
        Buffer.concat([
          hex('08 00 00 00 0a 00 00 00 12 00 00 00'),
          hex('08 00 00 00 0a 00 00 00 06 00 00 00'),
        ]),
      );
      await eventually(async () => expect(line.closed()).toBe(true));
      expect(line.heard().subarray(-16)).toEqual(transcribed.exit[1]);
      expect(await result<string[]>(world, 'task.get_all', session)).toEqual([]);
    },
  );
});

/** More calls than one process takes at a time: who waits, who is turned away, and who does not notice. */
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { eventually, startWorld, type World } from '../world';
import { description, post, result, sessionOf, xmlCall } from './raw';

let world: World, heavy: string, light: string, vm: string;
beforeAll(async () => {
  // One at work, four waiting in a session.
  world = await startWorld({ hosts: 1, api: { XENPLANE_CALLS_AT_ONCE: '1', XENPLANE_CALLS_WAITING: '16' } });
  heavy = await sessionOf(world);
  light = await sessionOf(world);
  vm = (await result<string[]>(world, 'VM.get_by_name_label', heavy, 'Debian Bookworm 12'))[0] ?? '';
});
afterAll(() => world.stop());

/** How many calls are at work or wait, as the metrics say. */
async function calls(state: 'working' | 'waiting'): Promise<number> {
  const text = await (
    await fetch(`${world.url}/metrics`, {
      headers: { authorization: `Basic ${btoa(`root:${world.password}`)}` },
    })
  ).text();
  return Number(
    new RegExp(`^xenplane_calls\\{queue="work",state="${state}"\\} (\\d+)$`, 'm').exec(text)?.[1],
  );
}
const waiting = (): Promise<number> => calls('waiting');
const untilWaiting = (count: number): Promise<void> =>
  eventually(async () => {
    expect(await waiting()).toBe(count);
  });

/** While the VM's row is locked, the one call at work cannot end. */
async function whileBusy(
  story: (begin: (name: string, session: string) => Promise<void>) => Promise<void>,
): Promise<string[]> {
  const answered: string[] = [];
  const asked: Promise<void>[] = [];
  const ask = async (name: string, session: string): Promise<void> => {
    const body = JSON.stringify({ id: 1, method: 'VM.set_name_description', params: [session, vm, name] });
    expect(await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()).toMatchObject({
      error: null,
    });
    answered.push(name);
  };
  const { plane } = world.apis[0] ?? {};
  if (!plane) throw new Error('there is no API');
  let unlock = (): void => undefined;
  const locked = new Promise<void>((isLocked, isNot) => {
    const held = new Promise<void>((resolve) => (unlock = resolve));
    asked.push(
      inTransaction(plane.store, async (tx) => {
        await tx.lock('VM', asRef<'VM'>(vm));
        isLocked();
        await held;
      }).catch((error: unknown) => isNot(error)),
    );
  });
  try {
    await locked;
    asked.push(ask('at work', heavy));
    await eventually(async () => expect(await calls('working')).toBe(1));
    for (let i = 1; i <= 4; i += 1) {
      asked.push(ask(`heavy ${i}`, heavy));
      await untilWaiting(i);
    }
    await story(async (name, session) => {
      const before = await waiting();
      asked.push(ask(name, session));
      await untilWaiting(before + 1);
    });
  } finally {
    unlock();
  }
  await Promise.all(asked);
  return answered;
}

test('the call of another session comes before the queue of one that has many, and all are answered', async () => {
  const answered = await whileBusy((begin) => begin('light', light));
  expect(answered.indexOf('light')).toBeLessThanOrEqual(2);
  expect(answered.toSorted()).toEqual(['at work', 'heavy 1', 'heavy 2', 'heavy 3', 'heavy 4', 'light']);
});

test('a call too many is TOO_BUSY at once, in the form of its wire; reads and waits for events go on', async () => {
  await whileBusy(async () => {
    expect(await description(world, 'VM.set_name_label', heavy, vm, 'x')).toEqual(['TOO_BUSY']);
    expect(await description(world, 'Async.VM.start', heavy, vm, false, false)).toEqual(['TOO_BUSY']);
    const xml = await post(world, '/', xmlCall('VM.set_name_label', heavy, vm, 'x'));
    expect(xml.body).toContain('<name>Status</name><value>Failure</value>');
    expect(xml.body).toContain('<value>TOO_BUSY</value>');
    const handler = await fetch(`${world.url}/pool/xmldbdump?session_id=${heavy}`);
    expect([handler.status, handler.headers.get('retry-after')]).toEqual([503, '1']);
    await handler.body?.cancel();
    expect(await result(world, 'VM.get_power_state', heavy, vm)).toBe('Halted');
    expect(await result(world, 'event.from', heavy, ['pool'], '', 0)).toMatchObject({
      valid_ref_counts: { pool: 1 },
    });
  });
});

test('afterwards everything is taken again', async () => {
  expect(await description(world, 'VM.set_name_description', heavy, vm, 'calm')).toBeNull();
  expect(await waiting()).toBe(0);
});

describe('while the replica cannot see changes', () => {
  const readsBehind = async (): Promise<number> => {
    const text = await (await fetch(`${world.url}/metrics?session_id=${light}`)).text();
    return Number(/^xenplane_calls\{queue="replica",state="waiting"\} (\d+)$/m.exec(text)?.[1]);
  };
  /** The log of changes is locked: nobody writes, and the replica's look waits. */
  async function whileBehind(story: () => Promise<void>): Promise<void> {
    const { plane } = world.apis[0] ?? {};
    if (!plane) throw new Error('there is no API');
    await inTransaction(plane.store, async (tx) => {
      await tx.query('LOCK TABLE change IN ACCESS EXCLUSIVE MODE');
      await story();
    });
  }

  test('a session has its share of the reads that may wait, and the read of another still waits with them', async () => {
    const reads: Promise<unknown>[] = [];
    await whileBehind(async () => {
      for (let i = 1; i <= 4; i += 1) reads.push(result(world, 'VM.get_power_state', heavy, vm));
      await eventually(async () => expect(await readsBehind()).toBe(4));
      expect(await description(world, 'VM.get_power_state', heavy, vm)).toEqual(['TOO_BUSY']);
      expect(await description(world, 'VM.get_all_records', heavy)).toEqual(['TOO_BUSY']);
      reads.push(result(world, 'VM.get_power_state', light, vm));
      await eventually(async () => expect(await readsBehind()).toBe(5));
    });
    expect(await Promise.all(reads)).toEqual(Array(5).fill('Halted'));
    expect(await readsBehind()).toBe(0);
  });
});

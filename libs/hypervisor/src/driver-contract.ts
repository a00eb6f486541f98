/**
 * What an agent relies on, whatever drives its hosts: each case fails with an assertion. A driver's spec runs them all, each
 * with hosts of its own.
 */
import assert from 'node:assert/strict';
import {
  HypervisorError,
  type Block,
  type ConsoleChannel,
  type ConsoleOwner,
  type DomainState,
  type Hypervisor,
  type HypervisorEvent,
} from './hypervisor';
import type { DomainSpec } from './protocol';
import { uuidPattern } from './shapes';

/** A driver in a test, with two hosts that are on; nothing runs on the second until its deadline is set. */
export interface Driven {
  readonly driver: Hypervisor;
  readonly host: string;
  /** Another of its hosts. */
  readonly other: string;
  /** Of a guest that hears when it is asked, and that every host can take. */
  readonly spec: DomainSpec;
  /** The time of the hosts' clock. */
  now(): number;
  /** Lets so much time pass, or as much as what was begun in it takes. */
  pass(ms: number): Promise<void>;
}
interface Case {
  readonly name: string;
  /** The test must own the time. */
  readonly timed?: true;
  run(driven: Driven): Promise<void>;
}

const vm = '00000000-0000-4000-8000-00000000000a';
const minutes = 60_000;
const block: Block = {
  ...{ vbd: '00000000-0000-4000-8000-00000000000b', device: 'xvda', type: 'Disk', mode: 'RW' },
  address: 'volume:sr/vdi',
};

async function during<T>({ pass }: Driven, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  await pass(2 * minutes);
  return work;
}
interface Made {
  readonly host?: string;
  readonly vmEpoch?: number;
  readonly more?: Partial<Parameters<Hypervisor['create']>[1]>;
}
async function make(
  driven: Driven,
  { host = driven.host, vmEpoch = 1, more = {} }: Made = {},
): Promise<number> {
  const { driver, spec } = driven;
  const domain = { vm, vmEpoch, spec, blocks: [block], paused: true, ...more };
  return (await during(driven, driver.create(host, domain))).domid;
}
async function up(driven: Driven, made: Made = {}): Promise<number> {
  const domid = await make(driven, made);
  await driven.driver.unpause(made.host ?? driven.host, vm);
  await driven.pass(2 * minutes);
  return domid;
}
const found = async ({ driver, host }: Driven): Promise<DomainState | undefined> =>
  (await driver.list(host)).find((domain) => domain.vm === vm);
function heard({ driver }: Driven): HypervisorEvent[] {
  const events: HypervisorEvent[] = [];
  driver.onEvent((event) => events.push(event));
  return events;
}
const refusedWith = (code: string) => (error: unknown) =>
  error instanceof HypervisorError && error.description[0] === code;

interface Watched {
  readonly channel: ConsoleChannel;
  text(): string;
  isOver(): boolean;
}
async function watch({ driver, host }: Driven, owner: ConsoleOwner): Promise<Watched> {
  let text = '',
    over = false;
  const channel = await driver.console(host, owner, {
    data: (bytes) => (text += Buffer.from(bytes).toString()),
    end: () => (over = true),
  });
  return { channel, text: () => text, isOver: () => over };
}

const hosts: readonly Case[] = [
  {
    name: 'the hosts have uuids, always in the same order, and hardware that stays what it is',
    run: async ({ driver, host }) => {
      const all = await driver.hosts();
      assert.ok(all.every((uuid) => uuidPattern.test(uuid)) && all.includes(host));
      assert.deepEqual(await driver.hosts(), all);
      const inventory = await driver.inventory(host);
      assert.ok(inventory.memoryBytes > inventory.dom0MemoryBytes && inventory.nics.length > 0);
      assert.deepEqual(await driver.inventory(host), inventory);
    },
  },
  {
    name: 'a sample shows the domains and the memory that is left',
    run: async (driven) => {
      const { driver, host } = driven;
      const before = await driver.sample(host);
      await up(driven);
      const after = await driver.sample(host);
      assert.deepEqual([before.domains, after.domains], [0, 1]);
      assert.ok(before.memoryFreeBytes - after.memoryFreeBytes >= driven.spec.memoryTargetBytes);
      assert.ok(after.cpuUsage >= 0 && after.cpuUsage <= 1);
    },
  },
  {
    name: 'a host that is off has no boot, no domains and no console; its next boot is another',
    run: async (driven) => {
      const { driver, host } = driven;
      const boot = await driver.bootOf(host);
      await up(driven);
      await driver.power(host, false);
      assert.deepEqual([await driver.bootOf(host), await driver.list(host)], ['', []]);
      await assert.rejects(make(driven, { vmEpoch: 2 }), refusedWith('HOST_NOT_LIVE'));
      const names = { hostname: 'host', product: 'product', addresses: {} };
      await assert.rejects(watch(driven, names), refusedWith('HOST_NOT_LIVE'));
      await during(driven, driver.power(host, true));
      assert.ok(![boot, ''].includes(await driver.bootOf(host)));
    },
  },
  {
    name: 'the ring of the hypervisor is text, and keys are taken',
    run: async ({ driver, host }) => {
      await driver.debugKeys(host, 'q');
      assert.ok((await driver.consoleRing(host)).length > 0);
    },
  },
];

const domains: readonly Case[] = [
  {
    name: 'a domain is built paused, runs, is paused and is destroyed; its number is never used again',
    run: async (driven) => {
      const { driver, host } = driven;
      const first = await make(driven);
      assert.equal((await found(driven))?.state, 'paused');
      await driver.unpause(host, vm);
      assert.equal((await found(driven))?.state, 'running');
      await driver.pause(host, vm);
      assert.equal((await found(driven))?.state, 'paused');
      await assert.rejects(make(driven, { vmEpoch: 2 }), HypervisorError);
      await driver.destroy(host, vm);
      assert.equal(await found(driven), undefined);
      assert.ok((await make(driven, { vmEpoch: 3 })) > first);
      await driver.destroyAll(host);
      assert.deepEqual(await driver.list(host), []);
    },
  },
  {
    timed: true,
    name: 'when the deadline has passed all domains have ended, and none is built or woken (R7)',
    run: async (driven) => {
      const { driver, other, now, pass } = driven;
      const events = heard(driven);
      await driver.extend(other, now() + 10 * minutes);
      await up(driven, { host: other });
      await pass(20 * minutes);
      assert.deepEqual(await driver.list(other), []);
      assert.ok(events.some((e) => e.host === other && e.kind === 'ended' && e.reason === 'watchdog'));
      await assert.rejects(make(driven, { host: other, vmEpoch: 2 }), refusedWith('HOST_NOT_LIVE'));
      await driver.extend(other, now() - 1);
      await assert.rejects(make(driven, { host: other, vmEpoch: 3 }), refusedWith('HOST_NOT_LIVE'));
    },
  },
  {
    name: 'a guest that is asked shuts down, or comes up as another domain of the same epoch',
    run: async (driven) => {
      const { driver, host, pass } = driven;
      const events = heard(driven);
      const domid = await up(driven);
      await driver.ask(host, vm, 'reboot');
      await pass(2 * minutes);
      const rebooted = events.find((e) => e.kind === 'rebooted');
      assert.ok(rebooted?.kind === 'rebooted' && rebooted.domid > domid && rebooted.vmEpoch === 1);
      await driver.ask(host, vm, 'shutdown');
      await pass(2 * minutes);
      assert.ok(events.some((e) => e.kind === 'ended' && e.reason === 'shutdown'));
      assert.equal(await found(driven), undefined);
      await assert.rejects(driver.ask(host, vm, 'shutdown'), refusedWith('VM_HALTED'));
    },
  },
  {
    name: 'disks come and go by their addresses, each as often as one likes; a device has one',
    run: async (driven) => {
      const { driver, host } = driven;
      await up(driven);
      const second = { ...block, vbd: vm, device: 'xvdb', address: 'file:///disk' };
      for (let i = 0; i < 2; i += 1) await driver.attach(host, vm, second);
      assert.deepEqual((await found(driven))?.blocks, [block, second]);
      await assert.rejects(
        driver.attach(host, vm, { ...second, vbd: host }),
        refusedWith('DEVICE_ALREADY_EXISTS'),
      );
      for (let i = 0; i < 2; i += 1) await driver.detach(host, vm, block.vbd);
      assert.deepEqual((await found(driven))?.blocks, [second]);
      const smaller = { ...driven.spec, memoryTargetBytes: driven.spec.memoryTargetBytes / 2 };
      const before = await driver.sample(host);
      await driver.configure(host, vm, smaller);
      assert.ok((await driver.sample(host)).memoryFreeBytes > before.memoryFreeBytes);
    },
  },
];

const memory: readonly Case[] = [
  {
    name: 'memory that was saved makes a domain that goes on; a checkpoint leaves the first one paused',
    run: async (driven) => {
      const { driver, host } = driven;
      await up(driven);
      await during(driven, driver.checkpoint(host, vm));
      assert.equal((await found(driven))?.state, 'paused');
      await driver.unpause(host, vm);
      const saved = await during(driven, driver.save(host, vm));
      assert.equal(await found(driven), undefined);
      await up(driven, { vmEpoch: 2, more: { saved: JSON.parse(JSON.stringify(saved)) as typeof saved } });
      assert.equal((await found(driven))?.state, 'running');
    },
  },
  {
    name: 'a guest runs while its memory is copied, is handed over once, and wakes at the other host (R13)',
    run: async (driven) => {
      const { driver, host, other, now } = driven;
      await driver.extend(other, now() + 60 * minutes);
      await up(driven);
      await make(driven, { host: other, vmEpoch: 2, more: { received: true } });
      for (let done = false; !done;) ({ done } = await during(driven, driver.copyMemory(host, vm, 1)));
      assert.equal((await found(driven))?.state, 'running');
      const image = await during(driven, driver.handOver(host, vm, 1));
      assert.equal((await found(driven))?.state, 'paused');
      assert.deepEqual(await during(driven, driver.handOver(host, vm, 1)), image);
      await driver.takeOver(other, vm, JSON.parse(JSON.stringify(image)) as typeof image);
      const there = async (): Promise<string | undefined> => (await driver.list(other))[0]?.state;
      assert.equal(await there(), 'paused');
      await driver.unpause(other, vm);
      assert.equal(await there(), 'running');
    },
  },
];

const consoles: readonly Case[] = [
  {
    name: 'all who open a console hear the same, and first what was written before; it ends with the domain',
    run: async (driven) => {
      const { driver, host, pass } = driven;
      await up(driven);
      const first = await watch(driven, { vm });
      assert.ok(first.text().length > 0);
      await first.channel.write(Buffer.from('someone\r'));
      await pass(1_000);
      const second = await watch(driven, { vm });
      assert.equal(second.text(), first.text());
      await second.channel.write(Buffer.from('secret\r'));
      await pass(1_000);
      assert.equal(second.text(), first.text());
      first.channel.close();
      await driver.destroy(host, vm);
      await pass(0);
      assert.deepEqual([first.isOver(), second.isOver()], [false, true]);
      await assert.rejects(watch(driven, { vm }), refusedWith('VM_HALTED'));
    },
  },
  {
    name: 'the console of a host bears its name',
    run: async (driven) => {
      const names = { hostname: 'a-name-of-its-own', product: 'product', addresses: {} };
      const { text, channel } = await watch(driven, names);
      assert.match(text(), /a-name-of-its-own/);
      channel.close();
    },
  },
];

export const driverContract: readonly Case[] = [...hosts, ...domains, ...memory, ...consoles];

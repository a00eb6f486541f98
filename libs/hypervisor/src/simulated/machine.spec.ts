import fc from 'fast-check';
import { HypervisorError, simulated, type DomainSpec, type HypervisorEvent } from '@xenplane/hypervisor';
import { StepClock } from './step-clock';

const { domainBytes, hostUuid, inventoryOf, SimulatedXen, xenBytes } = simulated;

const GiB = 2 ** 30;
const spec = (more: Partial<DomainSpec> = {}): DomainSpec => ({
  nameLabel: 'vm',
  mode: 'hvm',
  memoryStaticMaxBytes: 2 * GiB,
  memoryTargetBytes: 2 * GiB,
  vcpusMax: 2,
  vcpus: 2,
  guestOs: 'debian-12',
  onCrash: 'destroy',
  onReboot: 'restart',
  disks: [],
  nics: [{ vif: 'v', device: '0', mac: '02:00:00:01:02:03', network: 'n', bridge: 'xenbr0', mtu: 1500 }],
  ...more,
});
const host = hostUuid(1, 0);
const inventory = inventoryOf(1, 0);
let steps: StepClock;
let xen: simulated.SimulatedXen;
let events: HypervisorEvent[];

beforeEach(async () => {
  steps = new StepClock();
  xen = new SimulatedXen({ seed: 1, speed: 1, clock: steps, watchMs: 1e9 });
  events = [];
  xen.onEvent((event) => events.push(event));
  xen.addHost(host, inventory);
  await xen.extend(host, 1e9);
});
afterEach(() => xen.close());

async function up(vm: string, more: Partial<DomainSpec> = {}, epoch = 1): Promise<number> {
  const made = xen.create(host, { vm, vmEpoch: epoch, spec: spec(more), paused: false, blocks: [] });
  await steps.pass(2_000);
  return (await made).domid;
}

test('domains get new ids, boot, and tell their address', async () => {
  expect([await up('a'), await up('b')]).toEqual([1, 2]);
  await xen.destroy(host, 'a');
  expect(await up('a', {}, 2)).toBe(3);
  await steps.pass(60_000);
  const guest = events.find((e) => e.kind === 'guest' && e.vm === 'b');
  expect(guest).toMatchObject({
    guest: { networks: { '0/ip': '10.1.2.3' }, osVersion: { distro: 'debian' } },
  });
});

test('a guest shuts down when it is asked, one without ears cannot be asked', async () => {
  await up('a');
  await xen.ask(host, 'a', 'shutdown');
  await steps.pass(10_000);
  expect(events.at(-1)).toMatchObject({ kind: 'ended', reason: 'shutdown', vm: 'a' });
  await up('deaf', { guestOs: 'other' });
  await expect(xen.ask(host, 'deaf', 'shutdown')).rejects.toThrow('VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT');
});

test('a reboot is another domain of the same run', async () => {
  const before = await up('a');
  await xen.ask(host, 'a', 'reboot');
  await steps.pass(20_000);
  expect(events.filter((e) => e.kind === 'rebooted')).toMatchObject([
    { vm: 'a', vmEpoch: 1, domid: before + 1 },
  ]);
});

test.each([
  ['destroy', [{ kind: 'ended', reason: 'crash' }], 0],
  ['restart', [{ kind: 'rebooted' }], 1],
  ['preserve', [], 1],
] as const)('a crash with %s', async (onCrash, told, left) => {
  await up('a', { onCrash });
  await steps.pass(30_000);
  events.length = 0;
  await xen.crash(host, 'a');
  await steps.pass(3_000);
  expect(events).toMatchObject(told);
  expect((await xen.list(host)).length).toBe(left);
});

test('when the lease is over every domain dies, none takes another step, and none is made', async () => {
  await xen.close();
  xen = new SimulatedXen({ seed: 1, speed: 1, clock: steps, watchMs: 1e9 });
  xen.onEvent((event) => events.push(event));
  xen.addHost(host, inventory);
  await xen.extend(host, steps.now() + 5_000);
  await up('a');
  await steps.pass(60_000);
  expect(events).toMatchObject([{ kind: 'ended', reason: 'watchdog', vm: 'a' }]);
  await expect(
    xen.create(host, { vm: 'b', vmEpoch: 1, spec: spec(), paused: false, blocks: [] }),
  ).rejects.toThrow('HOST_NOT_LIVE');
  expect(await xen.list(host)).toEqual([]);
});

test('a lease never moves back', async () => {
  await xen.extend(host, 1);
  await up('a');
  xen.tick();
  expect((await xen.list(host)).length).toBe(1);
});

test('a host without HVM refuses hardware mode and takes para-virtual guests', async () => {
  const old = hostUuid(1, 9);
  xen.addHost(old, { ...inventory, hvmCapable: false });
  await xen.extend(old, 1e9);
  await expect(
    xen.create(old, { vm: 'a', vmEpoch: 1, spec: spec(), paused: true, blocks: [] }),
  ).rejects.toThrow('VM_HVM_REQUIRED');
  const made = xen.create(old, { vm: 'a', vmEpoch: 1, spec: spec({ mode: 'pv' }), paused: true, blocks: [] });
  await steps.pass(2_000);
  await expect(made).resolves.toMatchObject({ domid: 1 });
});

test('free memory is the total less Xen, Dom0 and every domain, whatever comes and goes', async () => {
  const steps_ = fc.array(
    fc.record({
      vm: fc.constantFrom('a', 'b', 'c', 'd'),
      make: fc.boolean(),
      size: fc.integer({ min: 1, max: 90 }),
      mode: fc.constantFrom('pv' as const, 'hvm' as const),
    }),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(steps_, async (moves) => {
      const machine = new SimulatedXen({ seed: 1, speed: 0 });
      machine.addHost(host, inventory);
      await machine.extend(host, Number.MAX_SAFE_INTEGER);
      const held = new Map<string, number>();
      for (const { vm, make, size, mode } of moves) {
        const wanted = spec({ mode, memoryStaticMaxBytes: size * GiB, memoryTargetBytes: size * GiB });
        if (!make) {
          await machine.destroy(host, vm);
          held.delete(vm);
        } else
          await machine.create(host, { vm, vmEpoch: 1, spec: wanted, paused: true, blocks: [] }).then(
            () => held.set(vm, domainBytes(wanted)),
            (error: unknown) => expect(error).toBeInstanceOf(HypervisorError),
          );
      }
      const { memoryFreeBytes } = await machine.sample(host);
      await machine.close();
      expect(memoryFreeBytes).toBe(
        inventory.memoryBytes -
          inventory.dom0MemoryBytes -
          xenBytes -
          [...held.values()].reduce((a, b) => a + b, 0),
      );
    }),
    { numRuns: 50 },
  );
});

describe('a guest on its way to another host', () => {
  const stateOf = async (vm: string) => (await xen.list(host)).find((d) => d.vm === vm)?.state;
  async function copied(vm: string, attempt: number): Promise<number[]> {
    const shares: number[] = [];
    for (let done = false; !done;) {
      const copy = xen.copyMemory(host, vm, attempt);
      await steps.pass(3_000);
      done = (await copy).done;
      shares.push((await copy).share);
    }
    return shares;
  }

  test('runs while its memory is copied in rounds, and stands still only for the rest', async () => {
    await up('a', { memoryStaticMaxBytes: 4 * GiB, memoryTargetBytes: 4 * GiB });
    const shares = await copied('a', 1);
    expect(shares.length).toBeGreaterThan(4);
    expect(shares).toEqual([...shares].sort((x, y) => x - y));
    expect(await stateOf('a')).toBe('running');
    const began = steps.now();
    const handed = xen.handOver(host, 'a', 1);
    await steps.pass(0);
    expect(await stateOf('a')).toBe('paused');
    await steps.pass(1_000);
    expect(await handed).toMatchObject({ memoryBytes: 4 * GiB, guestOs: 'debian-12' });
    const { stoodMs, sentBytes } = (await handed) as { stoodMs: number; sentBytes: number };
    expect(stoodMs).toBeLessThan(200);
    expect(sentBytes).toBeGreaterThan(4 * GiB);
    expect(await xen.handOver(host, 'a', 1)).toEqual(await handed);
    expect(steps.now() - began).toBe(1_000);
  });

  test('not copied at all, it stands still for all of its memory', async () => {
    await up('a', { memoryStaticMaxBytes: 4 * GiB, memoryTargetBytes: 4 * GiB });
    const handed = xen.handOver(host, 'a', 1);
    await steps.pass(10_000);
    expect(((await handed) as { stoodMs: number }).stoodMs).toBeGreaterThan(3_000);
  });

  test('woken again after a migration that was given up, the next attempt copies anew', async () => {
    await up('a');
    await copied('a', 1);
    const handed = xen.handOver(host, 'a', 1);
    await steps.pass(1_000);
    await handed;
    await xen.unpause(host, 'a');
    expect(await stateOf('a')).toBe('running');
    expect((await copied('a', 2)).length).toBeGreaterThan(1);
  });

  test('cannot be handed over when it does not run, nor copied when it is gone', async () => {
    await up('a');
    await xen.ask(host, 'a', 'shutdown');
    await expect(xen.handOver(host, 'a', 1)).rejects.toThrow('the guest is stopping');
    const copy = xen.copyMemory(host, 'a', 1);
    copy.catch(() => undefined);
    await xen.crash(host, 'a');
    await steps.pass(30_000);
    await expect(copy).rejects.toThrow('the guest changed while it was copied');
    await expect(xen.copyMemory(host, 'a', 1)).rejects.toThrow('VM_HALTED a');
  });

  test('wakes at its destination at once, and only within the lease', async () => {
    const made = xen.create(host, {
      vm: 'a',
      vmEpoch: 2,
      spec: spec(),
      paused: true,
      blocks: [],
      received: true,
    });
    await steps.pass(1_000);
    await made;
    expect(await stateOf('a')).toBe('paused');
    await xen.unpause(host, 'a');
    await steps.pass(10);
    expect(events.at(-1)).toMatchObject({ kind: 'guest', vm: 'a', vmEpoch: 2 });
    await steps.pass(2e9);
    await expect(xen.unpause(host, 'a')).rejects.toThrow('HOST_NOT_LIVE');
  });
});

test('a host that is off holds nothing and builds nothing; its next boot is another one', async () => {
  await up('a');
  const before = await xen.bootOf(host);
  await xen.power(host, false);
  expect([await xen.bootOf(host), await xen.list(host)]).toEqual(['', []]);
  await xen.extend(host, 1e9);
  await expect(
    xen.create(host, { vm: 'a', vmEpoch: 2, spec: spec(), paused: true, blocks: [] }),
  ).rejects.toThrow('HOST_NOT_LIVE');
  const booting = xen.power(host, true);
  await steps.pass(1_000);
  expect(await xen.bootOf(host)).toBe('');
  await steps.pass(120_000);
  await booting;
  expect(await xen.bootOf(host)).not.toBe(before);
  await xen.extend(host, 1e9);
  expect(await up('a', {}, 3)).toBeGreaterThan(0);
  expect(await xen.consoleRing(host)).toContain('created for a');
});

test('the same seed makes the same hosts', () => {
  expect([hostUuid(3, 5), inventoryOf(3, 5)]).toEqual([hostUuid(3, 5), inventoryOf(3, 5)]);
  expect(hostUuid(3, 5)).not.toBe(hostUuid(4, 5));
});

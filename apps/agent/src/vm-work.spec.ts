/** How long commands and guests take, by a clock that only the test moves. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { simulated, type Clock, type DesiredVm, type DomainSpec } from '@xenplane/hypervisor';
import { NodeDisks } from './disks';
import { VmWork } from './vm-work';

/** Everything that is due happens as soon as nothing else is under way. */
class OwnClock implements Clock {
  private at = 0;
  private ids = 0;
  private readonly due: { readonly at: number; readonly act: () => void }[] = [];
  now(): number {
    return this.at;
  }
  newId(): string {
    return `id ${(this.ids += 1)}`;
  }
  after(ms: number, act: () => void): () => void {
    const entry = { at: this.at + ms, act };
    this.due.push(entry);
    return () => {
      if (this.due.includes(entry)) this.due.splice(this.due.indexOf(entry), 1);
    };
  }
  async pass(ms: number): Promise<void> {
    const until = this.at + ms;
    for (;;) {
      // Files are prepared and released in between.
      for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.due.filter((d) => d.at <= until).toSorted((a, b) => a.at - b.at);
      if (!next) break;
      this.at = next.at;
      this.due.splice(this.due.indexOf(next), 1);
      next.act();
    }
    this.at = until;
  }
}

const host = simulated.hostUuid(1, 0);
const vm = '00000000-0000-4000-8000-000000000001';
const spec: DomainSpec = {
  ...{ nameLabel: 'vm', mode: 'hvm', memoryStaticMaxBytes: 2 ** 31, memoryTargetBytes: 2 ** 31 },
  ...{ vcpusMax: 1, vcpus: 1, guestOs: 'debian-12', onCrash: 'destroy', onReboot: 'restart' },
  ...{ disks: [], nics: [] },
};
const epochs = { vmEpoch: 1, hostEpoch: 1, waitMs: 15_000 };
const running: DesiredVm = { ...epochs, state: 'running', spec, boots: 1 };

let clock: OwnClock;
let folder: string;
let hypervisor: simulated.SimulatedXen;
const claimed: string[] = [];

/** `speed`: of the guest, against which the agent's patience counts. */
async function workAt(speed: number): Promise<VmWork> {
  hypervisor = new simulated.SimulatedXen({ seed: 1, speed, hosts: 1, clock, watchMs: 1e9 });
  await hypervisor.extend(host, 1e12);
  const work = new VmWork(vm, {
    ...{ host, hypervisor, clock, isCurrent: () => true },
    disks: new NodeDisks(folder, 'http://127.0.0.1:9', 'images'),
    claim: async (...[, , , nonce]) => claimed.push(nonce) > 0,
  });
  hypervisor.onEvent((event) => void work.hear(event));
  return work;
}
beforeEach(() => {
  clock = new OwnClock();
  folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-agent-'));
  claimed.length = 0;
});
afterEach(async () => {
  await hypervisor.close();
  rmSync(folder, { recursive: true });
});

test('a command is answered after the time that its sender waits, and the work goes on', async () => {
  const work = await workAt(0.01);
  const first = work.ensure(running);
  await clock.pass(15_000);
  expect((await first).phase).toBe('working');
  const second = work.ensure(running);
  await clock.pass(200_000);
  expect((await second).phase).toBe('working');
  const third = work.ensure(running);
  await clock.pass(0);
  expect((await third).phase).toBe('done');
  expect(claimed).toHaveLength(1);
});

test('a guest that is asked to shut down and does not has ten minutes, to the moment', async () => {
  const work = await workAt(0.001);
  const up = work.ensure({ ...running, waitMs: 5_000_000 });
  await clock.pass(2_000_000);
  expect((await up).phase).toBe('done');
  const began = clock.now();
  let endedAt = 0;
  const stopped = work.ensure({ ...epochs, waitMs: 5_000_000, state: 'stopped', how: 'clean' });
  void stopped.then(() => (endedAt = clock.now()));
  await clock.pass(599_999);
  expect(endedAt).toBe(0);
  await clock.pass(2);
  expect(endedAt - began).toBeGreaterThanOrEqual(600_000);
  expect(await stopped).toMatchObject({ phase: 'failed', error: ['VM_SHUTDOWN_TIMEOUT', 'VM', vm, '600'] });
});

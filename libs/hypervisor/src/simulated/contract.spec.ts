/** Simulated Xen does what every driver must, on a clock that the test moves and, as agents have it, in a thread of its own. */

import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock, type DomainSpec, type Hypervisor } from '@xenplane/hypervisor';
import { driverContract, type Driven } from '../driver-contract';

import { XenThread } from './client';
import { StepClock } from './step-clock';
import { SimulatedXen } from './xen';

const spec: DomainSpec = {
  ...{ nameLabel: 'a guest', mode: 'hvm', memoryStaticMaxBytes: 2 ** 31, memoryTargetBytes: 2 ** 31 },
  ...{ vcpusMax: 2, vcpus: 2, guestOs: 'debian-12', onCrash: 'destroy', onReboot: 'restart' },
  ...{ disks: [], nics: [] },
};
const day = 86_400_000;

async function driven(driver: Hypervisor, { now, pass }: Pick<Driven, 'now' | 'pass'>): Promise<Driven> {
  const [host = '', other = ''] = await driver.hosts();
  await driver.extend(host, now() + day);
  return { driver, host, other, spec, now, pass };
}

test.each(driverContract)('in steps: $name', async ({ run }) => {
  const clock = new StepClock();
  const driver = new SimulatedXen({ seed: 1, speed: 1, hosts: 2, clock, watchMs: 1e9 });
  try {
    await run(
      await driven(driver, {
        now: () => clock.now(),
        pass: (ms) => clock.pass(ms).then(() => driver.tick()),
      }),
    );
  } finally {
    await driver.close();
  }
});

test.each(driverContract.filter(({ timed }) => !timed))('in a thread: $name', async ({ run }) => {
  const driver = await XenThread.start({ seed: 1, speed: 0, hosts: 2 });
  const [host = ''] = await driver.hosts();
  // Without waiting all is done after some turns of the thread.
  const pass = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) {
      await sleep(10);
      await driver.sample(host);
    }
  };
  try {
    await run(await driven(driver, { now: () => systemClock.now(), pass }));
  } finally {
    await driver.close();
  }
});

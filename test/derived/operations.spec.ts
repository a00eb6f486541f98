import { operationsOf } from '@xenplane/xapi';
import { Kit } from './kit';
import { scenarios } from './scenarios';

test('every operation has a scenario', async () => {
  const kit = await Kit.start();
  expect(Object.keys(scenarios).sort()).toEqual([...operationsOf(kit.plane).keys()].sort());
  await kit.stop();
});

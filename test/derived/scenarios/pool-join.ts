import { eventually, login, password, startWorld, type Call, type World } from '../../world';
import type { Kit, Scenarios } from '../kit';

const others = new WeakMap<Kit, Promise<{ readonly world: World; readonly call: Call }>>();
/** The pool that is joined. */
function otherOf(kit: Kit): Promise<{ readonly world: World; readonly call: Call }> {
  const known = others.get(kit);
  if (known) return known;
  const made = startWorld({ hosts: 1, seed: 8, scheduler: false }).then(async (world) => ({ world, call: await login(world.url) }));
  kit.atEnd(async () => (await made).world.stop());
  others.set(kit, made);
  return made;
}

interface Record {
  readonly uuid: string;
  readonly metrics: string;
}
/** The uuids of the pool's hosts that live. */
async function live(call: Call): Promise<string[]> {
  const hosts = Object.values(await call<Readonly<{ [ref: string]: Record }>>('host.get_all_records'));
  const alive = await Promise.all(hosts.map(async ({ uuid, metrics }) => ((await call<boolean>('host_metrics.get_live', metrics)) ? [uuid] : [])));
  return alive.flat();
}
const uuidOf = (kit: Kit): string => hostOf.get(kit) ?? '';
const hostOf = new WeakMap<Kit, string>();

/** The host is at home, without the shared storage that may not come along. */
async function atHome(kit: Kit): Promise<unknown[]> {
  const { world, call } = await otherOf(kit);
  if (!hostOf.has(kit)) hostOf.set(kit, (await live(kit.call))[0] ?? '');
  const there = (await call<Readonly<{ [ref: string]: Record }>>('host.get_all_records')) ?? {};
  for (const [ref, { uuid }] of Object.entries(there)) if (uuid === uuidOf(kit)) await call('pool.eject', ref);
  await eventually(async () => expect(await live(kit.call)).toEqual([uuidOf(kit)]));
  for (const sr of await kit.call<string[]>('SR.get_by_name_label', 'Shared storage')) {
    for (const pbd of await kit.call<string[]>('SR.get_PBDs', sr)) await kit.call('PBD.unplug', pbd);
    await kit.call('SR.forget', sr);
  }
  return [world.url, 'root', password];
}

/** The host lives in one of the two pools, and its own one knows in which. */
export async function inOnePool(kit: Kit): Promise<void> {
  const { call } = await otherOf(kit);
  await eventually(async () => {
    const slave = (await kit.plane.store.query('SELECT 1 FROM slave_of')).length > 0;
    const there = (await live(call)).includes(uuidOf(kit));
    expect([slave, there, await live(kit.call)]).toEqual(slave ? [true, true, []] : [false, false, [uuidOf(kit)]]);
  });
}

/** To force it differs only in what is asked before there is an operation. */
export const poolJoinScenarios: Scenarios = { 'pool.join': atHome, 'pool.join_force': atHome };

import type { Kit, Scenarios } from '../kit';

const none = 'OpaqueRef:NULL';
const defaultSr = async (kit: Kit): Promise<string> =>
  kit.call('pool.get_default_SR', (await kit.call<string[]>('pool.get_all'))[0]);
async function diskOfVm(kit: Kit): Promise<string> {
  const [vbd] = await kit.call<string[]>('VM.get_VBDs', await kit.newVm());
  return kit.call('VBD.get_VDI', vbd);
}
/** Another repository that every host reaches. */
const otherSr = (kit: Kit): Promise<string> =>
  kit
    .hostOf()
    .then((host) =>
      kit.call(
        'SR.create',
        host,
        { server: 'nfs.xenplane.internal', serverpath: '/export/other' },
        0,
        'other',
        '',
        'nfs',
        'user',
        true,
        {},
      ),
    );
async function tracked(kit: Kit): Promise<unknown[]> {
  const vdi = await diskOfVm(kit);
  await kit.call('VDI.enable_cbt', vdi);
  return [await kit.call('VDI.snapshot', vdi, {}), vdi];
}

export const storageScenarios: Scenarios = {
  'VDI.copy': async (kit) => [await diskOfVm(kit), await defaultSr(kit), none, none],
  'VDI.pool_migrate': async (kit) => [await diskOfVm(kit), await otherSr(kit), {}],
  'VDI.list_changed_blocks': tracked,
};

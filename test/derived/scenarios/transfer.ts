import { password } from '../../world';
import type { Scenarios } from '../kit';

export const transferScenarios: Scenarios = {
  'VM.import': async (kit) => {
    const url = new URL(`${kit.world.url}/export`);
    url.username = 'root';
    url.password = encodeURIComponent(password);
    url.searchParams.set('ref', await kit.newVm());
    return [
      url.href,
      await kit.call('pool.get_default_SR', (await kit.call<string[]>('pool.get_all'))[0]),
      false,
      false,
    ];
  },
};

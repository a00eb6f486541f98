/** updater.py: packages of a host. What is installed is in its software_version; nothing newer is known. */
import { hostSetting, setHostSetting } from '../host-settings';
import { argument, json, type Asked, type Plugin } from './plugin';

const proxies = 'updater-proxies';

/** Packages by the names under which clients ask for them. */
function installed({ host }: Asked): Readonly<Record<string, string>> {
  const { xapi = '', xen = '', linux = '', product_version = '' } = host.software_version;
  return { 'xapi-core': `${host.software_version['xapi_build'] ?? xapi}-1`, 'xen-hypervisor': xen, kernel: linux, 'xcp-ng-release': product_version };
}

export const updater: Plugin = {
  check_update: () => json([]),
  update: () => json(''),
  get_proxies: async ({ tx, host }) => json(await hostSetting(tx, host.ref, proxies, {})),
  set_proxies: async ({ tx, host }, args) => {
    await setHostSetting(tx, host.ref, proxies, args);
    return json(args);
  },
  query_installed: (asked, args) => {
    const present = installed(asked);
    const names = argument('query_installed', args, 'packages')
      .split(',')
      .map((name) => name.trim());
    return json(Object.fromEntries(names.map((name) => [name, present[name] ?? ''])));
  },
};

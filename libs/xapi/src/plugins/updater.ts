/** updater.py: packages of a host. What is installed is in its software_version; nothing newer is known. */
import { hostSetting, setHostSetting } from '../core/host-settings';
import { argument, failure, json, type PluginRequest, type Plugin } from './plugin';

const proxies = 'updater-proxies';
/** The repositories of packages that a host has from the beginning, none of them behind a proxy. */
const repositories: Readonly<Record<string, string>> = {
  'xcp-ng-base': '_none_',
  'xcp-ng-updates': '_none_',
  'xcp-ng-testing': '_none_',
};
const proxiesOf = async ({ tx, host }: PluginRequest): Promise<Readonly<Record<string, string>>> => ({
  ...repositories,
  ...(await hostSetting(tx, host.ref, proxies, {})),
});

/** Packages by the names under which clients ask for them, each with its version. */
function installed({ host }: PluginRequest): Readonly<Record<string, string>> {
  const { xapi = '', xen = '', linux = '', product_version = '' } = host.software_version;
  return {
    'xapi-core': `${host.software_version['xapi_build'] ?? xapi}-1`,
    'xen-hypervisor': `${xen}-1`,
    kernel: linux,
    'xcp-ng-release': `${product_version}-1`,
  };
}

function proxiesFrom(text: string): Readonly<Record<string, string>> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw failure(-1, 'No JSON object could be decoded');
  }
  const entries = Object.entries(given ?? {}).map(([section, proxy]) => [section, String(proxy)] as const);
  const unknown = entries.find(([section]) => !Object.hasOwn(repositories, section));
  if (unknown) throw failure(-1, `Can't find section '${unknown[0]}' in config file`);
  return Object.fromEntries(entries);
}

export const updater: Plugin = {
  check_update: () => json([]),
  update: () =>
    json({
      returncode: 0,
      command: ['yum', 'update', '-y'],
      stdout: 'No packages marked for update',
      stderr: '',
    }),
  get_proxies: async (asked) => json(await proxiesOf(asked)),
  set_proxies: async (asked, args) => {
    await setHostSetting(asked.tx, asked.host.ref, proxies, {
      ...(await proxiesOf(asked)),
      ...proxiesFrom(argument(args, 'proxies')),
    });
    return '';
  },
  query_installed: (asked, args) => {
    const present = installed(asked);
    const names = argument(args, 'packages')
      .split(',')
      .map((name) => name.trim());
    return json(
      Object.fromEntries(
        names.map((name) => [name, Object.hasOwn(present, name) ? `${name}-${present[name]}.x86_64` : '']),
      ),
    );
  },
};

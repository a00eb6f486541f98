/** Hosts get their licences from a server, whose address may be given with an edition. */
import { XenError } from '@xenplane/model';
import { Ended, optional, type Arguments } from './arguments';
import type { Surroundings } from './surroundings';

const mostPort = 65_535;
/** The hosts keep the new address only when they have got the licence from it. */
export async function withLicenceServer(
  args: Arguments,
  { objects, printer }: Surroundings,
  hosts: readonly string[],
  work: () => Promise<unknown>,
): Promise<void> {
  const { api } = objects;
  const before = await Promise.all(hosts.map((host) => api.call('host.get_license_server', host)));
  const put = async (key: string, value: string): Promise<void> => {
    for (const host of hosts) {
      await api.call('host.remove_from_license_server', host, key);
      await api.call('host.add_to_license_server', host, key, value);
    }
  };
  const address = optional(args, 'license-server-address'),
    port = optional(args, 'license-server-port');
  if (address !== undefined) await put('address', address);
  if (port !== undefined && /^\d+$/.test(port) && Number(port) <= mostPort) await put('port', port);
  else if (port !== undefined)
    printer.note('NOTE: The given port number is invalid; reverting to the current value.\n');
  await work().catch(async (error: unknown) => {
    if (!(error instanceof XenError)) throw error;
    if (error.code === 'LICENSE_CHECKOUT_ERROR') {
      for (const [i, host] of hosts.entries()) await api.call('host.set_license_server', host, before[i]);
      throw new Ended(`${error.params[1] ?? ''}\n\n`, 1);
    }
    if (error.code === 'INVALID_EDITION') {
      const editions = await api.call<string[]>(
        'host.get_editions',
        await api.call('session.get_this_host', api.session),
      );
      printer.note(`Valid editions are: ${editions.join(', ')}\n`);
    }
    throw error;
  });
}

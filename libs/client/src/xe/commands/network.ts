/** Networks: `network-*`, `pif-*`, `bond-*`, `vlan-*`, `tunnel-*`, `vif-*`. */
import { flagged, integer, Misuse, optional, required, type Arguments } from '../arguments';
import { typeOf, type Objects } from '../objects';
import { make, perform, row, type Command } from '../row';
import { asValue } from '../values';

const vifCreate: Command = async (args, around) => {
  const { objects, printer } = around;
  const mac = optional(args, 'mac') ?? '';
  const network = await objects.byUuid('network', required(args, 'network-uuid'));
  const made = await perform(around, 'VIF.create', {
    VM: await objects.byUuid('VM', required(args, 'vm-uuid')),
    network,
    device: required(args, 'device'),
    MAC: mac === 'random' ? '' : mac,
    MTU: (await objects.one('network', network))?.['MTU'] ?? 1500,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  printer.list([await objects.uuidOf('VIF', String(made))]);
};
const vifUnplug: Command = async (args, around) =>
  void (await perform(
    around,
    flagged(args, 'force') ? 'VIF.unplug_force' : 'VIF.unplug',
    await around.objects.byUuid('VIF', required(args, 'uuid')),
  ));

const vlanOf = (args: Arguments): number => integer('vlan', required(args, 'vlan'));
const protocolOf = (args: Arguments, objects: Objects): Promise<unknown> =>
  asValue(objects, typeOf('tunnel.protocol'), ['protocol', optional(args, 'protocol') ?? 'gre']);
interface Ends {
  readonly network: string;
  readonly pif: string;
}
/** The output for a new VLAN, or tunnel, is the uuid of its own PIF. */
const onPif =
  (
    cls: 'VLAN' | 'tunnel',
    end: string,
    paramsOf: (
      ends: Ends,
      args: Arguments,
      objects: Objects,
    ) => readonly unknown[] | Promise<readonly unknown[]>,
  ): Command =>
  async (args, around) => {
    const { objects, printer } = around;
    const network = await objects.byUuid('network', required(args, 'network-uuid')),
      pif = await objects.byUuid('PIF', required(args, 'pif-uuid'));
    const made = String(
      await perform(around, `${cls}.create`, ...(await paramsOf({ network, pif }, args, objects))),
    );
    printer.list([await objects.uuidOf('PIF', await objects.api.call<string>(`${cls}.get_${end}`, made))]);
  };
/** Names of addresses are understood in any case. */
const anyCase =
  (command: Command): Command =>
  (args, around) =>
    command(
      {
        ...args,
        pairs: args.pairs.map(([name, value]) => [addressNames[name.toLowerCase()] ?? name, value]),
      },
      around,
    );
const addressNames: Readonly<Record<string, string>> = { ip: 'IP', ipv6: 'IPv6', dns: 'DNS' };
/** An address that stays needs to be said. */
const configured =
  (method: string): Command =>
  async (args, around) => {
    if (optional(args, 'mode')?.toLowerCase() === 'static' && (optional(args, 'address') ?? '') === '')
      throw new Misuse('Required parameter not found: address');
    await row(method, 'uuid', 'mode', 'address', 'gateway')(args, around);
  };
/** The VLAN of the uuid; the uuid of its PIF does as well. */
const vlanDestroy: Command = async (args, around) => {
  const uuid = required(args, 'uuid');
  const pif = await around.objects.byUuid('PIF', uuid).catch(() => undefined);
  if (pif === undefined) await row('VLAN.destroy', 'uuid')(args, around);
  else await perform(around, 'PIF.destroy', pif);
};

export const networkCommands: Readonly<Record<string, Command>> = {
  'network-create': make('network', {
    name_label: 'name-label',
    name_description: 'name-description',
    bridge: 'bridge',
    MTU: 'MTU=1500',
    managed: 'managed=true',
    other_config: { is: {} },
  }),
  'network-destroy': row('network.destroy', 'uuid'),
  'network-attach': row('network.attach', { of: 'uuid', cls: 'network' }, { of: 'host-uuid', cls: 'host' }),
  'network-sriov-create': row('network_sriov.create', 'pif-uuid', 'network-uuid'),
  'network-sriov-destroy': row('network_sriov.destroy', 'uuid'),
  'vlan-create': onPif('VLAN', 'untagged_PIF', ({ network, pif }, args) => [pif, vlanOf(args), network]),
  'vlan-destroy': vlanDestroy,
  'tunnel-create': onPif('tunnel', 'access_PIF', async ({ network, pif }, args, objects) => [
    pif,
    network,
    await protocolOf(args, objects),
  ]),
  'tunnel-destroy': row('tunnel.destroy', 'uuid'),
  'pif-unplug': row('PIF.unplug', 'uuid'),
  'pif-plug': row('PIF.plug', 'uuid'),
  'pif-reconfigure-ip': anyCase(row('PIF.reconfigure_ip', 'uuid', 'mode', 'IP', 'netmask', 'gateway', 'DNS')),
  'pif-reconfigure-ipv6': anyCase(row('PIF.reconfigure_ipv6', 'uuid', 'mode', 'IPv6', 'gateway', 'DNS')),
  'pif-set-primary-address-type': row('PIF.set_primary_address_type', 'uuid', 'primary_address_type'),
  'pif-scan': row('PIF.scan', 'host-uuid'),
  'pif-introduce': row('PIF.introduce', 'host-uuid', 'mac', 'device', 'managed=true'),
  'pif-forget': row('PIF.forget', 'uuid'),
  'pif-db-forget': row('PIF.db_forget', 'uuid'),
  'bond-create': row('Bond.create', 'network-uuid', 'pif-uuids', 'mac', 'mode=balance-slb', 'properties:'),
  'bond-destroy': row('Bond.destroy', 'uuid'),
  'bond-set-mode': row('Bond.set_mode', 'uuid', 'mode'),
  'vif-create': vifCreate,
  'vif-destroy': row('VIF.destroy', 'uuid'),
  'vif-plug': row('VIF.plug', 'uuid'),
  'vif-unplug': vifUnplug,
  'vif-configure-ipv4': configured('VIF.configure_ipv4'),
  'vif-configure-ipv6': configured('VIF.configure_ipv6'),
  'vif-move': row('VIF.move', 'uuid', 'network-uuid'),
};

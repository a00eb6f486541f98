/** Networks: `network-*`, `pif-*`, `bond-*`, `vlan-*`, `tunnel-*`, `vif-*`. */
import { flagged, optional, required } from '../arguments';
import { make, perform, row, type Command } from '../row';

const vifCreate: Command = async (args, around) => {
  const { objects, terminal } = around;
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
  terminal.print(await objects.uuidOf('VIF', String(made)));
};
const vifUnplug: Command = async (args, around) =>
  void (await perform(around, flagged(args, 'force') ? 'VIF.unplug_force' : 'VIF.unplug', await around.objects.byUuid('VIF', required(args, 'uuid'))));

/** The VLAN of the uuid; the uuid of its PIF does as well. */
const vlanDestroy: Command = async (args, around) => {
  const uuid = required(args, 'uuid');
  const vlan = await around.objects.byUuid('VLAN', uuid).catch(() => undefined);
  if (vlan !== undefined) await perform(around, 'VLAN.destroy', vlan);
  else await perform(around, 'PIF.destroy', await around.objects.byUuid('PIF', uuid));
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
  'vlan-create': row('VLAN.create', 'pif-uuid', 'vlan', 'network-uuid'),
  'vlan-destroy': vlanDestroy,
  'tunnel-create': row('tunnel.create', 'pif-uuid', 'network-uuid', 'protocol'),
  'tunnel-destroy': row('tunnel.destroy', 'uuid'),
  'pif-unplug': row('PIF.unplug', 'uuid'),
  'pif-plug': row('PIF.plug', 'uuid'),
  'pif-reconfigure-ip': row('PIF.reconfigure_ip', 'uuid', 'mode', 'IP', 'netmask', 'gateway', 'DNS'),
  'pif-reconfigure-ipv6': row('PIF.reconfigure_ipv6', 'uuid', 'mode', 'IPv6', 'gateway', 'DNS'),
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
  'vif-configure-ipv4': row('VIF.configure_ipv4', 'uuid', 'mode', 'address', 'gateway'),
  'vif-configure-ipv6': row('VIF.configure_ipv6', 'uuid', 'mode', 'address', 'gateway'),
  'vif-move': row('VIF.move', 'uuid', 'network-uuid'),
};

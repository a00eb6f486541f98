/** sdncontroller.py: rules of a bridge for traffic, as an SDN controller puts them on every host of a network. */
import { hostSetting, setHostSetting } from '../core/host-settings';
import { failure, json, type Arguments, type PluginRequest, type Plugin } from './plugin';

const rules = 'sdn-rules';
const badParameter = 1,
  missingPort = 2,
  switchFailed = 3;
type Rule = Readonly<Record<string, string>>;

interface Parameter {
  readonly name: string;
  readonly what: string;
  readonly form: RegExp;
  readonly optional?: true;
}
const parameters: readonly Parameter[] = [
  { name: 'bridge', what: 'bridge name', form: /\b\w+\d+\b/ },
  { name: 'mac', what: 'MAC', form: /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, optional: true },
  { name: 'direction', what: 'direction', form: /^(to|from|to\/from|from\/to)$/i },
  { name: 'protocol', what: 'protocol', form: /^(tcp|udp|icmp|ip|arp)$/i },
  {
    name: 'ipRange',
    what: 'IP range',
    form: /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?=\d)|(?=\/|$))){4}(\/\d{1,2})?$/,
  },
  { name: 'port', what: 'port', form: /^\d{1,5}$/, optional: true },
];
const allow: Parameter = { name: 'allow', what: 'permission', form: /^(true|false)$/i };

const problemOf = (args: Arguments, { name, what, form, optional }: Parameter): string | undefined => {
  const value = args[name];
  if (value === undefined) return optional ? undefined : `${name} parameter is missing`;
  return form.test(value) ? undefined : `'${value}' is not a valid ${what}`;
};
function assertRule(fn: string, args: Arguments, demanded: readonly Parameter[]): void {
  const problem = demanded.map((parameter) => problemOf(args, parameter)).find((text) => text !== undefined);
  if (problem !== undefined) throw failure(badParameter, `${fn}: Failed to get parameters: ${problem}`);
  const ported = ['tcp', 'udp'].includes((args['protocol'] ?? '').toLowerCase());
  if (ported && args['port'] === undefined)
    throw failure(missingPort, `${fn}: No port provided, tcp and udp requires one`);
}
async function assertBridge({ tx }: PluginRequest, bridge = ''): Promise<void> {
  const [network] = await tx.find('network', { bridge });
  if (!network) throw failure(switchFailed, `Error running ovs-vsctl command: no bridge named ${bridge}`);
}
const sameRule = (a: Rule, b: Rule): boolean =>
  parameters.every(({ name }) => (a[name] ?? '') === (b[name] ?? ''));
/** The rules without this one, and the one again when it is to be there. */
async function replace({ tx, host }: PluginRequest, rule: Rule, again: boolean): Promise<string> {
  await tx.lock('host', host.ref);
  const others = (await hostSetting<Rule[]>(tx, host.ref, rules, [])).filter((one) => !sameRule(one, rule));
  await setHostSetting(tx, host.ref, rules, again ? [...others, rule] : others);
  return json(true);
}

export const sdnController: Plugin = {
  'add-rule': async (asked, args) => {
    assertRule('add_rule', args, [...parameters, allow]);
    await assertBridge(asked, args['bridge']);
    return replace(asked, args, true);
  },
  'del-rule': async (asked, args) => {
    assertRule('del_rule', args, parameters);
    await assertBridge(asked, args['bridge']);
    return replace(asked, args, false);
  },
  'dump-flows': async (asked, { bridge }) => {
    await assertBridge(asked, bridge);
    const present = (await hostSetting<Rule[]>(asked.tx, asked.host.ref, rules, [])).filter(
      (rule) => rule['bridge'] === bridge,
    );
    return json({
      returncode: 0,
      command: ['ovs-ofctl', '-O', 'OpenFlow11', 'dump-flows', bridge],
      stdout: present.map(json).join('\n'),
      stderr: '',
    });
  },
};

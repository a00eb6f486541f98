/** Section 4 of the protocol notes: the members that clients read, from fresh objects and from a running VM; what Xen Orchestra reads is in test/compat. */
import { eventually, startWorld, type World } from '../world';
import { description, post, result, sessionOf, xmlCall } from './raw';

let world: World;
let session: string;
let vm: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
  const [template = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  vm = await call('VM.clone', template, 'read by clients');
  await call('VM.provision', vm);
  const [network = ''] = await call<string[]>('network.get_all');
  const vif = { device: '0', network, VM: vm, MAC: '', MTU: 1500, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} };
  if ((await call<string[]>('VM.get_VIFs', vm)).length === 0) await call('VIF.create', vif);
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_guest_metrics', vm)).not.toBe('OpaqueRef:NULL'));
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> => result<T>(world, method, session, ...params);
const [text, list, whole] = [expect.any(String), expect.any(Array), expect.any(Number)];
const map = expect.objectContaining({});
const live = expect.stringMatching(/^OpaqueRef:[0-9a-f]{8}-/);
const number = expect.stringMatching(/^\d+$/);

describe('Ansible', () => {
  test('its beginning', async () => {
    const [pool = ''] = await call<string[]>('pool.get_all');
    expect(await call('pool.get_default_SR', pool)).toEqual(live);
    const host = await call('session.get_this_host', session);
    const { product_version: version } = await call<{ product_version: string }>('host.get_software_version', host);
    expect(version.split('.').map(Number)).toEqual([whole, whole, whole]);
    expect(version.split('.').map(Number).some(Number.isNaN)).toBe(false);
  });
  test('what it gathers of a running VM', async () => {
    const record = await call<{ VBDs: string[]; VIFs: string[]; guest_metrics: string; affinity: string }>('VM.get_record', vm);
    for (const vbd of record.VBDs) {
      const { type, VDI, userdevice } = await call<{ type: string; VDI: string; userdevice: string }>('VBD.get_record', vbd);
      expect(Number.isInteger(Number(userdevice))).toBe(true);
      if (type !== 'Disk') continue;
      const { SR } = await call<{ SR: string }>('VDI.get_record', VDI);
      expect(await call('SR.get_record', SR)).toMatchObject({ name_label: text, uuid: text });
    }
    expect(record.VIFs.length).toBeGreaterThan(0);
    for (const vif of record.VIFs)
      expect(await call('VIF.get_record', vif)).toMatchObject({
        device: number,
        MAC: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
        MTU: whole,
        network: live,
        ipv4_configuration_mode: 'None',
        ipv4_addresses: list,
        ipv4_gateway: text,
        ipv6_configuration_mode: 'None',
        ipv6_addresses: list,
        ipv6_gateway: text,
      });
  });
});

describe('Packer over XML', () => {
  const answered = async (method: string, ...values: string[]): Promise<string> => (await post(world, '/', xmlCall(method, session, ...values))).body;
  test.each<[string, string, () => string[], RegExp]>([
    ['the domain is text', 'VM.get_domid', () => [vm], /<name>Value<\/name><value>\d+<\/value>/],
    ['memory comes as text', 'VM.set_memory_limits', () => [vm, '1', '2', '3', '4'], /MEMORY_CONSTRAINT_VIOLATION|VM_BAD_POWER_STATE/],
  ])('%s', async (_claim, method, values, form) => expect(await answered(method, ...values())).toMatch(form));

  test('a device of its own choice is chosen for it', async () => {
    const [template = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
    const halted = await call('VM.clone', template, 'packed');
    const given = {
      VM: halted,
      VDI: 'OpaqueRef:NULL',
      userdevice: 'autodetect',
      bootable: false,
      mode: 'RO',
      type: 'CD',
      empty: true,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
    };
    expect(await call('VBD.get_userdevice', await call('VBD.create', given))).toMatch(/^\d+$/);
  });
});

describe('the SDKs of C#, PowerShell and Java', () => {
  test('the login of C# in 1.0', async () => {
    const own = await result<string>(world, 'session.login_with_password', 'root', world.password, '2.21', 'C#');
    const pools = Object.values(await result<Record<string, { master: string }>>(world, 'pool.get_all_records', own));
    expect(await result(world, 'host.get_record', own, pools[0]?.master)).toMatchObject({ API_version_major: 2, API_version_minor: whole });
    expect(await result(world, 'session.get_is_local_superuser', own, own)).toBe(true);
    expect(await result(world, 'session.get_rbac_permissions', own, own)).toEqual(list);
  });
  test.each(['application/json; charset=UTF-8', 'application/json-rpc'])('Java sends %s', async (type) => {
    const { body } = await post(world, '/jsonrpc', JSON.stringify({ jsonrpc: '2.0', id: '1', method: 'host.get_all_records', params: [session] }), [
      `Content-Type: ${type}`,
    ]);
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: '1', result: map });
    expect(body).not.toMatch(/NaN|Infinity/);
  });
  test('CloudStack asks for plugins that are its own, and learns that they are not here', async () => {
    const [host = ''] = await call<string[]>('host.get_all');
    expect(await description(world, 'host.call_plugin', session, host, 'vmops', 'ping', {})).toEqual(['XENAPI_MISSING_PLUGIN', 'vmops']);
  });
});

/** Section 4 of the protocol notes: what the SDKs of C#, PowerShell and Java do; what other clients call is in test/compat. */
import { startWorld, type World } from '../world';
import { description, post, result, sessionOf } from './raw';

let world: World;
let session: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
const [list, whole] = [expect.any(Array), expect.any(Number)];
const map = expect.objectContaining({});

describe('the SDKs of C#, PowerShell and Java', () => {
  test('the login of C# in 1.0', async () => {
    const own = await result<string>(
      world,
      'session.login_with_password',
      'root',
      world.password,
      '2.21',
      'C#',
    );
    const pools = Object.values(
      await result<Record<string, { master: string }>>(world, 'pool.get_all_records', own),
    );
    expect(await result(world, 'host.get_record', own, pools[0]?.master)).toMatchObject({
      API_version_major: 2,
      API_version_minor: whole,
    });
    expect(await result(world, 'session.get_is_local_superuser', own, own)).toBe(true);
    expect(await result(world, 'session.get_rbac_permissions', own, own)).toEqual(list);
  });
  test.each(['application/json; charset=UTF-8', 'application/json-rpc'])('Java sends %s', async (type) => {
    const { body } = await post(
      world,
      '/jsonrpc',
      JSON.stringify({ jsonrpc: '2.0', id: '1', method: 'host.get_all_records', params: [session] }),
      [`Content-Type: ${type}`],
    );
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: '1', result: map });
    expect(body).not.toMatch(/NaN|Infinity/);
  });
  test('CloudStack asks for plugins that are its own, and learns that they are not here', async () => {
    const [host = ''] = await call<string[]>('host.get_all');
    expect(await description(world, 'host.call_plugin', session, host, 'vmops', 'ping', {})).toEqual([
      'XENAPI_MISSING_PLUGIN',
      'vmops',
    ]);
  });
});

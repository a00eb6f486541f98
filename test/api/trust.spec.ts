/** Other pools over TLS: whose certificates are taken, by whatever asks, and whose are not. */
import { connect } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';
import { thinXe } from '../thin-client';
import { login, password, startWorld, type Call, type World } from '../world';

const day = 24 * 3600 * 1000;
let here: World;
let there: World;
let call: Call;
let far: Call;
const open: Server[] = [];
beforeAll(async () => {
  [here, there] = [await startWorld({ hosts: 1, seed: 31 }), await startWorld({ hosts: 1, seed: 32 })];
  call = await login(here.url);
  far = await login(there.url);
  // Shared storage would stand in the way of a join before anything else does.
  const [shared = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  for (const pbd of await call<string[]>('SR.get_PBDs', shared)) await call('PBD.unplug', pbd);
  await call('SR.forget', shared);
});
afterAll(async () => {
  for (const server of open) server.close();
  await here?.stop();
  await there?.stop();
});

interface Front {
  readonly url: string;
  readonly pem: string;
}
/** The other pool behind TLS, as a proxy serves it. */
async function front({ name = '127.0.0.1', from = -day, to = day } = {}): Promise<Front> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + from),
    notAfterDate: new Date(Date.now() + to),
    extensions: [
      {
        name: 'subjectAltName',
        altNames: name === '127.0.0.1' ? [{ type: 7, ip: name }] : [{ type: 2, value: name }],
      },
    ],
  });
  const server = createServer({ key, cert }, (client) => {
    const plain = connect(Number(new URL(there.url).port), '127.0.0.1');
    for (const one of [client, plain]) one.on('error', () => undefined);
    client.pipe(plain).pipe(client);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  const address = server.address();
  return { url: `https://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, pem: cert };
}
async function halted(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.remove_from_other_config', vm, 'disks');
  await call('VM.provision', vm);
  return vm;
}
/** Answers what a journey to that address would meet; undefined: nothing. */
async function refusedBy(url: string, vm: string): Promise<string | undefined> {
  const [host] = await far<string[]>('host.get_all');
  const [network] = await far<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  const dest = await far<Record<string, string>>('host.migrate_receive', host, network, {});
  return call('VM.assert_can_migrate', vm, { ...dest, master: `${url}/` }, false, {}, {}, {}).then(
    () => undefined,
    (error: Error) => error.message,
  );
}
const unknown = 'VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED';
const poolRef = async (): Promise<string> => (await call<string[]>('pool.get_all'))[0] ?? '';

test.each<[string, Parameters<typeof front>[0], 'nothing' | 'ca' | 'pinned', string | undefined]>([
  ['a certificate that nobody knows', {}, 'nothing', unknown],
  ['one that was installed as an authority', {}, 'ca', undefined],
  ['one that was installed, of another name', { name: 'elsewhere.example' }, 'ca', unknown],
  ['one that was installed and has expired', { from: -3 * day, to: -day }, 'ca', unknown],
  ['one that was pinned', {}, 'pinned', undefined],
  ['one that was pinned, whatever its name', { name: 'elsewhere.example' }, 'pinned', undefined],
])('%s', async (_claim, certificate, installed, error) => {
  const { url, pem } = await front(certificate);
  const [other, pool] = [await front(), await poolRef()];
  if (installed === 'ca') await call('pool.install_ca_certificate', 'there.pem', pem);
  if (installed === 'pinned') await call('pool.install_trusted_certificate', pool, false, pem, []);
  // Only where the other pool is known do the name and the password count.
  await expect(call('pool.join', url, 'root', 'wrong')).rejects.toThrow(
    error === undefined ? 'SESSION_AUTHENTICATION_FAILED' : 'JOINING_HOST_CONNECTION_FAILED',
  );
  const vm = await halted('asked about');
  expect([await refusedBy(url, vm), await refusedBy(other.url, vm)]).toEqual([error, unknown]);
  if (installed === 'ca') await call('pool.uninstall_ca_certificate', 'there.pem', false);
  if (installed === 'pinned') {
    const [record] = Object.entries(
      await call<Record<string, { type: string }>>('Certificate.get_all_records'),
    ).filter(([, { type }]) => type === 'pinned');
    await call('pool.uninstall_trusted_certificate', pool, record?.[0]);
  }
  expect(await refusedBy(url, vm)).toBe(unknown);
  await call('VM.destroy', vm);
});

describe('an address without a scheme, as other clients give it', () => {
  const join = (address: string): Promise<string> =>
    call<string>('pool.join', address, 'root', 'wrong').then(
      () => 'joined',
      (error: Error) => error.message.split(' ')[0] ?? '',
    );
  const verifying = async (is: boolean): Promise<void> =>
    void (await here.apis[0]?.plane.store.query('UPDATE pool SET tls_verification_enabled = $1', [is]));
  const refusedByPassword = 'SESSION_AUTHENTICATION_FAILED';

  test('is reached by TLS where that is spoken, and by plain HTTP elsewhere', async () => {
    const { url } = await front();
    expect(await join(new URL(url).host)).toBe(refusedByPassword);
    expect(await join(new URL(there.url).host)).toBe(refusedByPassword);
    expect(await join('')).toBe('JOINING_HOST_CONNECTION_FAILED');
    expect(await join('a b')).toBe('JOINING_HOST_CONNECTION_FAILED');
  });

  test('must prove itself once the pool verifies certificates', async () => {
    const { url, pem } = await front();
    const { host } = new URL(url);
    await verifying(true);
    expect(await join(host)).toBe('JOINING_HOST_CONNECTION_FAILED');
    expect(await join(new URL(there.url).host)).toBe('JOINING_HOST_CONNECTION_FAILED');
    await call('pool.install_ca_certificate', 'alone.pem', pem);
    expect(await join(host)).toBe(refusedByPassword);
    await call('pool.uninstall_ca_certificate', 'alone.pem', false);
    await verifying(false);
  });

  test('is one for `xe vm-migrate` too', async () => {
    await halted('by its address');
    const { url, pem } = await front();
    await call('pool.install_ca_certificate', 'migrate.pem', pem);
    const words = [
      'vm-migrate',
      'vm=by its address',
      `remote-master=${new URL(url).host}`,
      'remote-username=root',
      `remote-password=${password}`,
    ];
    expect(await thinXe({ port: Number(new URL(here.url).port), password }, ...words)).toMatchObject({
      code: 0,
      error: '',
    });
    expect(await far<string[]>('VM.get_by_name_label', 'by its address')).toHaveLength(1);
    await call('pool.uninstall_ca_certificate', 'migrate.pem', false);
  });
});

test('a certificate for a purpose of its own says nothing of pools', async () => {
  const vm = await halted('for licences');
  const { url, pem } = await front();
  await call('pool.install_trusted_certificate', await poolRef(), true, pem, ['licensing']);
  const { fingerprint256 } = new X509Certificate(pem);
  expect(
    Object.values(await call<Record<string, { fingerprint: string }>>('Certificate.get_all_records')).map(
      (c) => c.fingerprint,
    ),
  ).toContain(fingerprint256);
  expect(await refusedBy(url, vm)).toBe(unknown);
  await call('VM.destroy', vm);
});

test('an archive is fetched from whom the pool trusts', async () => {
  const [template] = await far<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await far<string>('VM.clone', template, 'exported');
  const { url, pem } = await front();
  const archive = new URL(`${url}/export?ref=${vm}`);
  archive.username = 'root';
  archive.password = encodeURIComponent(password);
  const [SR] = await call<string[]>('SR.get_by_name_label', 'Local storage');
  await expect(call('VM.import', archive.href, SR, false, false)).rejects.toThrow(
    /^IMPORT_ERROR .* cannot be reached/,
  );
  await call('pool.install_ca_certificate', 'archives.pem', pem);
  expect(await call('VM.import', archive.href, SR, false, false)).toHaveLength(1);
  await call('pool.uninstall_ca_certificate', 'archives.pem', false);
  await expect(call('VM.import', archive.href, SR, false, false)).rejects.toThrow(
    /^IMPORT_ERROR .* cannot be reached/,
  );
});

test('a VM goes there by `xe` of the server, which asks as the pool does', async () => {
  await halted('by tls');
  const { url, pem } = await front();
  const words = [
    'vm-migrate',
    'vm=by tls',
    `remote-master=${url}`,
    'remote-username=root',
    `remote-password=${password}`,
  ];
  const user = { port: Number(new URL(here.url).port), password };
  expect(await thinXe(user, ...words)).toMatchObject({
    code: 1,
    error: expect.stringContaining('Unable to contact server'),
  });
  await call('pool.install_ca_certificate', 'tls.pem', pem);
  expect(await thinXe(user, ...words)).toMatchObject({ code: 0, error: '' });
  expect(await far<string[]>('VM.get_by_name_label', 'by tls')).toHaveLength(1);
  expect(await call<string[]>('VM.get_by_name_label', 'by tls')).toEqual([]);
});

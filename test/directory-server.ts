/** A real directory server (OpenLDAP's) on a port of this machine, with the people that a test gives it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Client } from 'ldapts';
import { generate } from 'selfsigned';
import { eventually } from './world';

export interface DirectoryContent {
  /** Definitions besides those of core, cosine, inetorgperson and nis. */
  readonly schema: string;
  /** The server's description of itself. */
  readonly rootDse: string;
  readonly suffix: string;
  readonly ldif: string;
}
export interface DirectoryServer {
  readonly ldap: string;
  readonly ldaps: string;
  /** Of the server, to be trusted. */
  readonly certificate: string;
  readonly port: number;
  /** Changes something as the one who may do all. */
  change(work: (client: Client) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}
interface Program {
  readonly slapd: string;
  readonly slapadd: string;
  readonly modules: string;
  readonly schema: string;
  readonly env: Readonly<Record<string, string>>;
}

export const adminPassword = 'of the administrator';
const root = path.resolve(__dirname, '..');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** Only the account `cn=reader` sees people; an account may be asked for its password by anybody. */
const settings = ({ modules, schema }: Program, folder: string, suffix: string): string => `
${['core', 'cosine', 'inetorgperson', 'nis'].map((name) => `include ${schema}/${name}.schema`).join('\n')}
include ${folder}/own.schema
modulepath ${modules}
moduleload back_mdb
pidfile ${folder}/pid
TLSCertificateFile ${folder}/certificate.pem
TLSCertificateKeyFile ${folder}/key.pem
rootDSE ${folder}/root.ldif
database mdb
suffix "${suffix}"
rootdn "cn=admin,${suffix}"
rootpw "${adminPassword}"
directory ${folder}/db
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="${suffix}" by dn.base="cn=reader,${suffix}" read by dn.base="cn=blind,${suffix}" search by * auth
access to * by * read
`;

export async function startDirectory(content: DirectoryContent): Promise<DirectoryServer> {
  const program = JSON.parse(
    execFileSync(process.execPath, ['stack/slapd.mjs'], { cwd: root, encoding: 'utf8' }),
  ) as Program;
  const environment = { ...program.env };
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-slapd-'));
  const write = (name: string, text: string): void =>
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  const made = await generate([{ name: 'commonName', value: content.suffix.replaceAll(/dc=|,/g, '-') }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  mkdirSync(path.join(folder, 'db'));
  write('own.schema', content.schema);
  write('root.ldif', content.rootDse);
  write('people.ldif', content.ldif);
  write('certificate.pem', made.cert);
  write('key.pem', made.private);
  write('slapd.conf', settings(program, folder, content.suffix));
  const conf = path.join(folder, 'slapd.conf');
  execFileSync(program.slapadd, ['-q', '-f', conf, '-l', path.join(folder, 'people.ldif')], {
    env: environment,
    stdio: 'pipe',
  });
  const [port, tlsPort] = [await freePort(), await freePort()];
  const ldap = `ldap://localhost:${port}`;
  let child: ChildProcess | undefined;

  const change = async (work: (client: Client) => Promise<void>): Promise<void> => {
    const client = new Client({ url: `ldap://127.0.0.1:${port}` });
    try {
      await client.bind(`cn=admin,${content.suffix}`, adminPassword);
      await work(client);
    } finally {
      await client.unbind();
    }
  };
  const stop = async (): Promise<void> => {
    if (!child) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    child = undefined;
  };
  const start = async (): Promise<void> => {
    child = spawn(
      program.slapd,
      ['-d', '0', '-f', conf, '-h', `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${tlsPort}/`],
      {
        env: environment,
        stdio: 'ignore',
      },
    );
    await eventually(() => change(async () => undefined));
  };
  const remove = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  await start().catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    ldap,
    ldaps: `ldaps://localhost:${tlsPort}`,
    certificate: made.cert,
    port,
    change,
    stop,
    start,
    remove,
  };
}

/** The environment that `npm start` gives to each program is one that the program takes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  agentSettings,
  apiSettings,
  imagesSettings,
  leasesSettings,
  schedulerSettings,
} from '@xenplane/config';

const programs = {
  api: apiSettings,
  scheduler: schedulerSettings,
  agent: agentSettings,
  images: imagesSettings,
  leases: leasesSettings,
} as const;
const folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-environment-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const secret = 'a-secret-for-tests-only';
const given = {
  flags: { port: 8080, tlsPort: 8443, seed: 1, vms: 0, hosts: 4, speed: 1, privilegedPorts: false },
  folder,
  secrets: { rootPassword: secret, imagesSecret: secret, joinKey: secret, sealingKey: secret },
  ports: { nbd: 10809, leases: 1, images: 2, agent: 3 },
  services: { databaseUrl: 'postgres://a:b@127.0.0.1/c', redisUrl: 'redis://127.0.0.1' },
};

function environmentOf(name: string, env: NodeJS.ProcessEnv = {}): Record<string, string> {
  const file = pathToFileURL(path.join(__dirname, 'environment.mjs')).href;
  const code = `import { programEnvironment } from ${JSON.stringify(file)};
    process.stdout.write(JSON.stringify(programEnvironment(${JSON.stringify(given)})(${JSON.stringify(name)})));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env }),
  ) as Record<string, string>;
}

test.each(Object.entries(programs))('%s starts on it', (name, settings) => {
  const environment = environmentOf(name);
  expect(Object.values(environment)).not.toContain('undefined');
  expect(() => settings(environment)).not.toThrow();
});

test('what an operator sets is passed on', () => {
  const { callsAtOnce, metrics } = apiSettings(
    environmentOf('api', { XENPLANE_CALLS_AT_ONCE: '7', XENPLANE_METRICS: 'loopback' }),
  );
  expect([callsAtOnce, metrics]).toEqual([7, 'loopback']);
});

import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './stack.fixture';

type Environment = Record<string, string>;
interface Service {
  readonly environment?: Environment;
  readonly ports?: readonly string[];
  readonly healthcheck?: unknown;
  readonly deploy?: { readonly replicas: number };
}
interface Compose {
  readonly services: Record<string, Service>;
}

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const source = read('libs/config/src/env.ts');
const programs = ['images', 'leases', 'api', 'scheduler', 'agent'] as const;
const isOurs = (name: string) => /^(XENPLANE_\w+|DATABASE_URL|REDIS_URL)$/.test(name);
const names = (text: string) =>
  [...new Set(text.match(/\b(?:XENPLANE_\w+|DATABASE_URL|REDIS_URL)\b/g) ?? [])].sort();

/** The variables of a class of env.ts with those of its parents. */
function variablesOf(className: string): string[] {
  const found = new RegExp(`class ${className}(?: extends (\\w+))? \\{([^]*?)\\n\\}`).exec(source);
  if (!found)
    throw new Error(`libs/config/src/env.ts has no class ${className}: name it here as it is called there`);
  const [, parent, body = ''] = found;
  return names(body + (parent ? variablesOf(parent).join(' ') : ''));
}

const classOf = {
  images: 'ImagesVariables',
  leases: 'LeasesVariables',
  api: 'ApiVariables',
  scheduler: 'SchedulerVariables',
  agent: 'AgentVariables',
} as const;
const launcher = JSON.parse(
  execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { variablesOf } from ${JSON.stringify(join(root, 'stack/environment.mjs'))}; console.log(JSON.stringify(variablesOf));`,
    ],
    {
      encoding: 'utf8',
    },
  ),
) as Record<string, string[]>;

describe.each(programs)('%s', (program) => {
  test('is told by compose exactly what it reads', () => {
    const told = Object.keys(compose.services[program]?.environment ?? {})
      .filter(isOurs)
      .sort();
    expect(told).toEqual(variablesOf(classOf[program]));
  });
  test('is told by npm start exactly what it reads', () => {
    expect([...(launcher[program] ?? [])].sort()).toEqual(variablesOf(classOf[program]));
  });
});

test('every variable of env.ts reaches a program', () => {
  const all = names(/variables = \{([^]*?)\n\}/.exec(source)?.[1] ?? '');
  expect(all.length).toBeGreaterThan(10);
  expect(names(Object.values(launcher).flat().join(' '))).toEqual(all);
});

test('only the proxy publishes ports, on loopback unless told otherwise', () => {
  const publishing = Object.entries(compose.services).filter(([, { ports }]) => ports);
  expect(publishing.map(([name]) => name)).toEqual(['proxy']);
  for (const port of publishing[0]?.[1].ports ?? [])
    expect(port).toMatch(/^\$\{XENPLANE_PUBLISH_ADDRESS:-127\.0\.0\.1\}:/);
});

test('no secret has a default', () => {
  for (const { environment = {} } of Object.values(compose.services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|SECRET|KEY|AUTH/.test(name)) expect(value).toMatch(/^\$\{\w+:\?/);
    }
  }
});

test('API, scheduler and the program for leases are two each, and every server is watched', () => {
  expect(compose.services['api']?.deploy).toEqual({ replicas: 2 });
  for (const name of ['scheduler', 'leases']) expect(compose.services[name]?.deploy).toEqual({ replicas: 2 });
  const unwatched = Object.entries(compose.services).filter(([, { healthcheck }]) => !healthcheck);
  expect(unwatched.map(([name]) => name)).toEqual(['scheduler']); // it listens on nothing
});

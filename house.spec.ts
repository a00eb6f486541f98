/** The rules of the house, executed. Each failure says what to do instead. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: __dirname,
  encoding: 'utf8',
}).split('\n');
const sources = files.filter(
  (f) => existsSync(`${__dirname}/${f}`) && /^(apps|libs|migrations|test|bench)\/.*\.tsx?$/.test(f),
);
const production = sources.filter((f) => !/\.spec\.ts$/.test(f) && /^(apps|libs)\//.test(f));
const read = (file: string): string => readFileSync(`${__dirname}/${file}`, 'utf8');
/** Without comments and texts: what the compiler sees. */
const code = (file: string): string =>
  read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/gm, "''");
const importsOf = (file: string): string[] =>
  [
    ...read(file).matchAll(
      /^(?:import|export)\b[^;']*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map((m) => m[1] ?? m[2] ?? m[3] ?? '');

/** The import table; * stands for any library of ours. */
const may: Readonly<Record<string, readonly string[]>> = {
  model: [],
  domain: ['model'],
  wire: ['model'],
  store: ['model'],
  work: [],
  hypervisor: ['domain', 'model'],
  blobs: ['domain', 'model', 'wire'],
  http: [],
  config: [],
  process: [],
  leases: ['hypervisor'],
  xapi: ['model', 'domain', 'store', 'work', 'hypervisor', 'wire', 'leases', 'process'],
  client: ['model', 'wire'],
  testing: ['*'],
  'apps/agent': ['blobs', 'config', 'http', 'hypervisor', 'process'],
  'apps/api': [
    'client',
    'config',
    'domain',
    'http',
    'hypervisor',
    'model',
    'process',
    'store',
    'wire',
    'xapi',
  ],
  'apps/cli': ['client', 'config', 'process'],
  'apps/images': ['blobs', 'config', 'http', 'process', 'wire'],
  'apps/leases': ['config', 'http', 'hypervisor', 'leases', 'process'],
  'apps/scheduler': ['config', 'process', 'work', 'xapi'],
};
const packages: Readonly<Record<string, RegExp>> = {
  model: /^$/,
  domain: /^$/,
  wire: /^xxhash-wasm$/,
  work: /^(bullmq|ioredis)$/,
  store: /^(typeorm|pg|pg-.*|node:.*|reflect-metadata)$/,
  client: /^node:.*$/,
  hypervisor: /^node:.*$/,
  http: /^node:.*$/,
  leases: /^node:.*$/,
  process: /^(pino|node:.*)$/,
  blobs: /^node:.*$/,
};
const home = (file: string): string => {
  const [top = '', name = ''] = file.split('/');
  return top === 'libs' ? name : `${top}/${name}`;
};

test.each(Object.keys(may))('%s imports only what it may', (lib) => {
  const wrong = production
    .filter((f) => home(f) === lib)
    .flatMap((file) =>
      importsOf(file)
        .filter((to) => to.startsWith('@xenplane/'))
        .filter(
          (to) =>
            !may[lib]?.includes('*') &&
            !may[lib]?.includes(to.replace('@xenplane/', '')) &&
            to !== `@xenplane/${lib}`,
        )
        .map(
          (to) => `${file} imports ${to}: move what it needs below both, or ask for it through an interface`,
        ),
    );
  expect(wrong).toEqual([]);
});

test.each(Object.keys(packages))('libs/%s uses only the packages it may', (lib) => {
  const wrong = production
    .filter((f) => home(f) === lib)
    .flatMap((file) =>
      importsOf(file)
        .filter((to) => !to.startsWith('.') && !to.startsWith('@xenplane/') && !packages[lib]?.test(to))
        .map((to) => `${file} imports ${to}: inject it instead`),
    );
  expect(wrong).toEqual([]);
});

test('no relative import crosses a library: use @xenplane/<lib>', () => {
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter(
        (to) =>
          /^\.\.?\//.test(to) &&
          (file.startsWith('test/') || file.startsWith('bench/')
            ? /\.\.\/libs\//
            : /\.\.\/(libs|apps)\//
          ).test(to),
      )
      .map((to) => `${file}: ${to}`),
  );
  expect(wrong).toEqual([]);
});

/** Where a driver may be named: where the agent starts its own, and where a control plane gets its metrics from. */
const naming = ['apps/agent/src/driver.ts', 'libs/xapi/src/registry/plane.ts'];
test('the hypervisor port knows none of its drivers, and only two places name one', () => {
  const drivers = new Set(
    production.flatMap((f) => /^libs\/hypervisor\/src\/(\w+)\/index\.ts$/.exec(f)?.[1] ?? []),
  );
  drivers.delete('shapes');
  expect(drivers).toContain('simulated');
  const isDriver = (file: string): boolean =>
    [...drivers].some((driver) => file.startsWith(`libs/hypervisor/src/${driver}/`));
  const knowing = production.filter(
    (file) =>
      home(file) === 'hypervisor' &&
      !isDriver(file) &&
      file !== 'libs/hypervisor/src/index.ts' &&
      importsOf(file).some((to) => drivers.has(to.split('/')[1] ?? '')),
  );
  const others = production.filter(
    (file) =>
      home(file) !== 'hypervisor' &&
      !naming.includes(file) &&
      [...drivers].some((driver) => new RegExp(`\\b${driver}\\.[A-Za-z]`).test(code(file))),
  );
  expect({ knowing, others }).toEqual({ knowing: [], others: [] });
});

/** The file of ours that a relative import means. */
function imported(file: string, to: string): string | undefined {
  const target = path.posix.join(path.posix.dirname(file), to);
  return [`${target}.ts`, `${target}/index.ts`].find((f) => productionSet.has(f));
}
const productionSet = new Set(production);
/** Import by import from a file back to it; undefined when there is no such way. */
function cycleFrom(start: string, ways: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  for (const queue = [start]; queue.length > 0;) {
    const file = queue.shift() ?? start;
    for (const next of ways.get(file) ?? []) {
      if (next === start) {
        const cycle = [file];
        while (cycle[0] !== undefined && cycle[0] !== start) cycle.unshift(cameFrom.get(cycle[0]) ?? start);
        return [...cycle, start];
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, file);
      queue.push(next);
    }
  }
  return undefined;
}

test('no file imports itself by way of others, nor types of itself', () => {
  const ways = new Map(
    production.map((file) => [
      file,
      importsOf(file).flatMap((to) => (to.startsWith('.') ? (imported(file, to) ?? []) : [])),
    ]),
  );
  const cycles = production.flatMap((file) => cycleFrom(file, ways) ?? []);
  expect(cycles.slice(0, 10)).toEqual([]);
});

test('apps do not import one another', () => {
  const wrong = production
    .filter((f) => f.startsWith('apps/'))
    .flatMap((file) =>
      importsOf(file)
        .filter(
          (to) => to.startsWith('.') && home(path.posix.join(path.posix.dirname(file), to)) !== home(file),
        )
        .map((to) => `${file}: ${to}`),
    );
  expect(wrong).toEqual([]);
});

/** Patterns that are banned, and their replacements. */
const banned: readonly [RegExp, string, RegExp?][] = [
  [/:\s*any\b|\bas any\b|<any>/, 'unknown, and a check', /\.md$/],
  [/\bas unknown as\b/, 'a type that says what the value is, or a check that proves it'],
  [/eslint-disable|@ts-ignore|@ts-nocheck/, 'code that the rule accepts'],
  [/^export default\b/m, 'a named export'],
  [/\b(TODO|FIXME|XXX)\b/, 'an issue'],
  [/\bprocess\.env\b/, 'settings from @xenplane/config', /^libs\/(config\/src\/env|testing\/src\/env)\.ts$/],
  [/\b(?:it|test|describe)\.(?:skip|only|todo)\b|\bx(?:it|describe)\(/, 'a test that runs'],
];
test.each(banned.map(([pattern, instead, except]) => ({ pattern, instead, except })))(
  'nobody writes $pattern: write $instead',
  ({ pattern, instead, except }) => {
    const wrong = sources
      .filter((f) => !except?.test(f))
      .filter((f) => pattern.test(String(pattern).includes('any') ? code(f) : read(f)))
      .map((f) => `${f}: write ${instead}`);
    expect(wrong).toEqual([]);
  },
);

test('the domain knows no clock, no chance and no waiting: pass them in', () => {
  const wrong = production
    .filter((f) => home(f) === 'domain')
    .filter((f) => /Date\.now|new Date|Math\.random|\basync\b|\bawait\b|setTimeout/.test(read(f)));
  expect(wrong).toEqual([]);
});

/** The files that the guide names for a route, process by process. */
function routeOf(heading: string): string[][] {
  const [, section = ''] = read('docs/ARCHITECTURE.md').split(`## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  return text
    .split(/^In .*:$/m)
    .slice(1)
    .map((part) => [...part.matchAll(/^\d+\. `([^`]+)`/gm)].map((m) => m[1] ?? ''));
}
const valueImportsOf = (file: string): string[] => {
  const types = new Set(
    [...read(file).matchAll(/^import type [^;]*? from '([^']+)'/gm)].map(([, to]) => to ?? ''),
  );
  return importsOf(file).filter((to) => !types.has(to));
};
/** Files that an import means: that file, or those whose exports the library's index hands on. */
function reached(file: string, to: string): string[] {
  if (!to.startsWith('@xenplane/')) return [imported(file, to) ?? ''];
  const index = `libs/${to.replace('@xenplane/', '')}/src/index.ts`;
  return importsOf(index).map((from) => imported(index, from) ?? '');
}
test('the route of VM.start in the guide is the one in the code: each file is imported by one before it, and none imports back', () => {
  const route = routeOf('The route of `VM.start`');
  expect(route.map((files) => files.length)).toEqual([6, 8, 4]);
  for (const files of route)
    for (const [i, file] of files.entries()) {
      expect(production).toContain(file);
      const imports = valueImportsOf(file).flatMap((to) => reached(file, to));
      expect([file, files.slice(0, i).filter((earlier) => imports.includes(earlier))]).toEqual([file, []]);
      const before = files.slice(0, i).flatMap((one) => importsOf(one).flatMap((to) => reached(one, to)));
      if (i > 0) expect([file, before.includes(file)]).toEqual([file, true]);
    }
});

test('behaviour reads no clock and no chance of its own: take them from the plane', () => {
  /** Where the clock and the randomness of a process are made. */
  const sources: ReadonlySet<string> = new Set([
    'libs/xapi/src/registry/plane.ts',
    'libs/work/src/worker.ts',
  ]);
  const wrong = production
    .filter((f) => ['xapi', 'work'].includes(home(f)) && !sources.has(f))
    .filter((f) => /Date\.now|new Date\(\)|performance\.now|hrtime|Math\.random|randomUUID/.test(code(f)));
  expect(wrong).toEqual([]);
});

const sqlFiles = /^libs\/(xapi\/src\/tables|store|leases|testing)\//;
/** Files with such SQL of their own, until it has moved: this list only shrinks. */
const sqlElsewhere: ReadonlySet<string> = new Set(['libs/xapi/src/metrics/recorded.ts']);
const internalNames = [
  ...read('libs/store/src/schema/internal-tables.ts').matchAll(/CREATE TABLE (\w+)/g),
].map((m) => m[1]);
const namesTable = new RegExp(
  `\\b(?:FROM|INTO|UPDATE|JOIN)\\s+(?:ONLY\\s+)?"?(?:${internalNames.join('|')})\\b`,
);
const writesTable = new RegExp(
  `\\b(?:INSERT INTO|DELETE FROM|(?<!FOR )(?<!DO )(?<!KEY )UPDATE)\\s+(?:ONLY\\s+)?"?(${internalNames.join('|')})\\b`,
  'g',
);

test('SQL on internal tables stands in libs/xapi/src/tables: call a function there', () => {
  const found = production.filter((f) => !sqlFiles.test(f) && namesTable.test(read(f)));
  expect(found.filter((f) => !sqlElsewhere.has(f))).toEqual([]);
  // Whoever moves the last of a file takes it from the list.
  expect([...sqlElsewhere].filter((f) => !found.includes(f))).toEqual([]);
});

test('each internal table is written by one owner: a file of libs/xapi/src/tables, or a folder', () => {
  const owners = new Map<string, Set<string>>();
  for (const f of production.filter((one) => one.startsWith('libs/xapi/src/tables/')))
    for (const [, table = ''] of read(f).matchAll(writesTable))
      owners.set(table, (owners.get(table) ?? new Set<string>()).add(f.split('/')[4] ?? f));
  const shared = [...owners].filter(([, files]) => files.size > 1).map(([table, files]) => [table, ...files]);
  expect(shared).toEqual([]);
});

test('libs/xapi/src/tables needs no behaviour: only core, beside other tables', () => {
  const wrong = production
    .filter((f) => f.startsWith('libs/xapi/src/tables/'))
    .flatMap((file) =>
      importsOf(file)
        .filter((to) => to.startsWith('.'))
        .filter((to) => !/^libs\/xapi\/src\/(tables|core)\//.test(imported(file, to) ?? ''))
        .map((to) => `${file} imports ${to}`),
    );
  expect(wrong).toEqual([]);
});

test('files stay within their walls: split by verb, not by noun', () => {
  /** Tables of declared rows, one a line. */
  const isTable = (file: string): boolean =>
    /\/(tables|golden|fixtures)\/|^libs\/model\/src\/(enums|error-codes)\.ts$/.test(file);
  const wrong = production
    .map((f) => [f, read(f).split('\n').length] as const)
    .filter(([f, lines]) => lines > 400 && !isTable(f))
    .map(([f, lines]) => `${f}: ${lines} lines`);
  expect(wrong).toEqual([]);
});

/** Those whose files are declared one by one, each of the same make. */
const declared = /^(libs\/model\/src\/classes|migrations)$/;
test('folders hold at most 25 files, their tests apart: split by noun or concern', () => {
  const sizes = new Map<string, number>();
  for (const f of sources.filter((one) => !one.endsWith('.spec.ts')))
    sizes.set(path.dirname(f), (sizes.get(path.dirname(f)) ?? 0) + 1);
  expect([...sizes].filter(([folder, files]) => files > 25 && !declared.test(folder))).toEqual([]);
});

const vague = /(^|-)(manager|helper|util|utils|common|base|impl|processor)s?(\.|-|$)/i;
test('names say what a thing is: no Manager, Helper, Util, Common, Base, Impl, Processor', () => {
  const names = production.map((f) => f.split('/').pop() ?? '').filter((n) => vague.test(n));
  const types = production.flatMap((f) =>
    [...read(f).matchAll(/(?:class|interface|type) (\w*(?:Manager|Helper|Util|Impl|Processor))\b/g)].map(
      (m) => `${f}: ${m[1]}`,
    ),
  );
  expect([...names, ...types]).toEqual([]);
});

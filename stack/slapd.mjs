// OpenLDAP's server for tests, from the package registry and without its system service. Run as a program: prints where it is.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { hasApt, libraryFolders, unpack } from './apt.mjs';
import { makeFolder } from './state.mjs';

const root = path.resolve(import.meta.dirname, '..');
const note = (line) => process.stderr.write(`${line}\n`);

const within = (home) => ({
  slapd: path.join(home, 'usr/sbin/slapd'),
  slapadd: path.join(home, 'usr/sbin/slapadd'),
  modules: path.join(home, 'usr/lib/ldap'),
  schema: path.join(home, 'etc/ldap/schema'),
});

function find() {
  if (existsSync(within('/').slapd)) return { ...within('/'), env: {} };
  const home = hasApt() ? unpack('slapd', makeFolder(path.join(root, '.xenplane/tools')), note) : undefined;
  if (!home) throw new Error('slapd is missing. Debian, Ubuntu: sudo apt-get install slapd');
  return { ...within(home), env: { LD_LIBRARY_PATH: libraryFolders(home).join(':') } };
}

process.stdout.write(JSON.stringify(find()));

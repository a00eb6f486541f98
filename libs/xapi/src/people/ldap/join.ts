/** How the pool is joined to a directory behind LDAP: what the configuration may say, and whether the directory agrees. */
import { DN, InsufficientAccessError, InvalidDNSyntaxError, ResultCodeError } from 'ldapts';
import { XenError, type ErrorCode } from '@xenplane/model';
import { DirectoryTrouble, type Configuration, type Trouble } from '../directory';
import { converse, type Conversation, type Found } from './conversation';
import type { Settings } from './directory';
import { has } from './filters';
import { isSchemaName, schemas, type SchemaName } from './schemas';

const failed = (message: string): XenError => new XenError('AUTH_ENABLE_FAILED', message);

export interface JoinRequest {
  readonly service: string;
  readonly url: string;
  readonly account: string;
  readonly password: string;
  readonly configuration: Configuration;
}

/** Checks of the request, before any server is contacted. */
export function joinRequestOf(service: string, configuration: Configuration): JoinRequest {
  const { user = '', pass = '', domain = service } = configuration;
  if (user === '') throw failed('config:user is missing: the account that looks people up');
  if (pass === '')
    throw new XenError('AUTH_ENABLE_FAILED_WRONG_CREDENTIALS', 'config:pass is missing or empty');
  if (domain !== service) throw failed('config:domain is not the name of the service');
  if (configuration['schema'] !== undefined && !isSchemaName(configuration['schema']))
    throw failed('config:schema is neither ad nor posix');
  return {
    service,
    url: urlOf(service, configuration),
    account: /[=@\\]/.test(user) ? user : `${user}@${service}`,
    password: pass,
    configuration,
  };
}

const ldapUrl = /^ldaps?:\/\/([a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?\/?$/i;
const hostName = /^[a-z0-9_][a-z0-9_.-]{0,252}$/i;

function urlOf(service: string, { url, ldaps = 'true' }: Configuration): string {
  if (ldaps !== 'true' && ldaps !== 'false') throw failed('config:ldaps is neither true nor false');
  if (url === undefined && !hostName.test(service))
    throw new XenError('AUTH_ENABLE_FAILED_DOMAIN_LOOKUP_FAILED', `${service} is the name of no host`);
  const address = url ?? `${ldaps === 'true' ? 'ldaps' : 'ldap'}://${service}`;
  if (!ldapUrl.test(address) || !URL.canParse(address))
    throw failed('config:url is not of the form ldaps://host:port or ldap://host:port');
  return address.toLowerCase().replace(/\/$/, '');
}

/** Looks whether the directory is there, lets the account in and shows people to it. */
export async function probe(wish: JoinRequest, trusted: readonly string[]): Promise<Settings> {
  try {
    return await converse({ url: wish.url, trusted }, (conversation) => settle(conversation, wish));
  } catch (error) {
    throw inWords(error, trusted.length > 0);
  }
}

async function settle(
  conversation: Conversation,
  { service, url, account, password, configuration }: JoinRequest,
): Promise<Settings> {
  if (!(await conversation.bind(account, password)))
    throw new XenError('AUTH_ENABLE_FAILED_WRONG_CREDENTIALS', `${account} is not known by this password`);
  const root = await conversation.look('', [
    'defaultNamingContext',
    'configurationNamingContext',
    'namingContexts',
    'supportedCapabilities',
  ]);
  const schema = schemaOf(root, configuration),
    base = baseOf(root, configuration);
  if (!(await conversation.look(base, ['1.1'])))
    throw new XenError('AUTH_ENABLE_FAILED_DOMAIN_LOOKUP_FAILED', `The directory shows no ${base}`);
  const { ou } = configuration;
  if (ou !== undefined && !(await conversation.look(unitOf(ou, base), ['1.1']).catch(noSuchUnit)))
    throw new XenError('AUTH_ENABLE_FAILED_INVALID_OU', `The directory shows no ${ou}`);
  await assertShowsPeople(conversation, base, schema, account);
  return {
    url,
    base,
    schema,
    service,
    account,
    workgroup: await workgroupOf(conversation, root, { schema, base, service }),
  };
}
function noSuchUnit(error: unknown): undefined {
  if (!(error instanceof InvalidDNSyntaxError)) throw error;
}

const activeDirectoryMark = '1.2.840.113556.1.4.800';
function schemaOf(root: Found | undefined, { schema }: Configuration): SchemaName {
  if (schema !== undefined && isSchemaName(schema)) return schema;
  return root?.texts('supportedCapabilities').includes(activeDirectoryMark) ? 'ad' : 'posix';
}

function baseOf(root: Found | undefined, { base }: Configuration): string {
  if (base) return base;
  const contexts = root?.texts('namingContexts') ?? [];
  const only = root?.text('defaultNamingContext') || (contexts.length === 1 ? contexts[0] : undefined);
  if (!only)
    throw new XenError(
      'AUTH_ENABLE_FAILED_DOMAIN_LOOKUP_FAILED',
      'The directory does not say where its people are: config:base is missing',
    );
  return only;
}

/** As a distinguished name, or as hosts take it: the units from the outermost on, with slashes. */
function unitOf(ou: string, base: string): string {
  if (ou.includes('=')) return ou;
  const units = new DN();
  for (const unit of ou
    .split('/')
    .filter((u) => u !== '')
    .reverse())
    units.addPairRDN('OU', unit);
  return [units.toString(), base].filter((part) => part !== '').join(',');
}

/** An account that sees nobody would make every login fail, and nobody would know why. */
async function assertShowsPeople(
  conversation: Conversation,
  base: string,
  schema: SchemaName,
  account: string,
): Promise<void> {
  const { anybody, attributes } = schemas[schema];
  const found = await conversation.search({ base, filter: anybody, attributes, most: 1 });
  if (found.length === 0)
    throw new XenError('AUTH_ENABLE_FAILED_PERMISSION_DENIED', `${account} sees no people below ${base}`);
}

/** The short name of the domain, which the directory keeps among its partitions. */
async function workgroupOf(
  conversation: Conversation,
  root: Found | undefined,
  { schema, base, service }: Pick<Settings, 'schema' | 'base' | 'service'>,
): Promise<string> {
  const partitions = root?.text('configurationNamingContext');
  const guess = (service.split('.')[0] ?? service).toUpperCase();
  if (schema !== 'ad' || !partitions) return guess;
  const found = await conversation.search({
    base: partitions,
    filter: has('nETBIOSName'),
    attributes: ['nETBIOSName', 'nCName'],
    most: 1000,
  });
  return (
    found.find((f) => f.text('nCName').toLowerCase() === base.toLowerCase())?.text('nETBIOSName') || guess
  );
}

const codes: Readonly<Record<Trouble, ErrorCode>> = {
  unknown: 'AUTH_ENABLE_FAILED_DOMAIN_LOOKUP_FAILED',
  unreachable: 'AUTH_ENABLE_FAILED_UNAVAILABLE',
  untrusted: 'AUTH_ENABLE_FAILED_NO_TRUSTED_CERTS',
  denied: 'AUTH_ENABLE_FAILED_WRONG_CREDENTIALS',
};
function inWords(error: unknown, trusting: boolean): unknown {
  if (error instanceof DirectoryTrouble)
    return new XenError(
      error.kind === 'untrusted' && trusting ? 'AUTH_ENABLE_FAILED_INVALID_TRUSTED_CERTS' : codes[error.kind],
      error.message,
    );
  if (error instanceof InvalidDNSyntaxError)
    return new XenError(
      'AUTH_ENABLE_FAILED_INVALID_ACCOUNT',
      'This directory knows accounts by their distinguished names: config:user, config:base',
    );
  if (error instanceof InsufficientAccessError)
    return new XenError('AUTH_ENABLE_FAILED_PERMISSION_DENIED', error.message);
  return error instanceof ResultCodeError ? failed(error.message) : error;
}

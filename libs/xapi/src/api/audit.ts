/**
 * The audit trail: a line for every call that changes something, in the manner of xapi's. Lines are gathered and written
 * together, so that no call waits for its own; a crash may lose those of its last moment.
 */
import { isClassName, XenError, type Message, type Type } from '@xenplane/model';
import type { Plane, Session } from '../core/context';
import { insertAuditLines, type AuditLine } from '../tables/audit';

type Who = Readonly<Record<'ref' | 'user' | 'name' | 'role', string>> & { readonly root: boolean };
const outcomeOf = (error: unknown): string =>
  error instanceof XenError ? `ERROR:${error.code}` : error === undefined ? 'OK' : 'ERROR:INTERNAL_ERROR';

/** More than this can wait to be written; the oldest go first. */
const mostWaiting = 10_000;

export class Trail {
  private waiting: AuditLine[] = [];

  constructor(private readonly plane: Pick<Plane, 'store' | 'clock' | 'replica'>) {}

  /** Begins the line of a call; what is answered ends it with what became of the call. */
  begin(
    message: Message,
    session: Session | undefined,
    args: Readonly<Record<string, unknown>>,
  ): (error?: unknown) => void {
    if (!changes(message)) return () => undefined;
    const who: Who = session ?? {
      root: false,
      user: '',
      name: String(args['uname'] ?? ''),
      role: '',
      ref: '',
    };
    const what = `'API' ${quoted(message.name)} (${message.params.map((p) => this.argument(message, p.name, p.type, args[p.name])).join('')})`;
    return (error) =>
      this.tell(
        who,
        error instanceof XenError && error.code === 'RBAC_PERMISSION_DENIED',
        outcomeOf(error),
        what,
      );
  }

  /** Audits a request to an HTTP handler. */
  handled(
    name: string,
    session: Session,
    { denied, error }: { readonly denied: boolean; readonly error?: unknown },
  ): void {
    this.tell(session, denied, outcomeOf(error), `'HTTP' ${quoted(`http/${name}`)} ()`);
  }

  private tell(who: Who, denied: boolean, outcome: string, what: string): void {
    const parts = [
      `trackid=${trackOf(who.ref)}`,
      who.root ? 'LOCAL_SUPERUSER' : who.user,
      who.name,
      who.role,
      denied ? 'DENIED' : 'ALLOWED',
      outcome,
    ];
    this.note(`(${parts.map(quoted).join(' ')} ${what})`);
  }

  private note(text: string): void {
    const at = this.plane.clock.now().toISOString();
    if (this.waiting.length >= mostWaiting) this.waiting.shift();
    this.waiting.push({ at, line: `[${at.replaceAll('-', '')}|info|xenplane||audit] ${text}` });
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    const lines = this.waiting;
    if (lines.length === 0) return;
    this.waiting = [];
    await insertAuditLines(this.plane.store, lines).catch((error: unknown) => {
      this.waiting = [...lines, ...this.waiting].slice(-mostWaiting);
      throw error;
    });
  }

  private argument(message: Message, name: string, type: Type, value: unknown): string {
    const text = isSecret(message, name, type) ? undefined : this.described(type, value);
    return text === undefined ? '' : `(${quoted(name)} ${text})`;
  }

  /** Of maps and records only the names in them: their values may be anything. */
  private described(type: Type, value: unknown): string | undefined {
    if (type.kind === 'ref') return this.object(type.cls ?? '', String(value));
    if (type.kind === 'set')
      return (value as readonly unknown[])
        .slice(0, mostElements)
        .map((v) => type.of && this.described(type.of, v))
        .join(' ');
    if (type.kind === 'map' || type.kind === 'record')
      return Object.keys(value as object)
        .map(quoted)
        .join(' ');
    return ['string', 'int', 'float', 'bool', 'enum', 'datetime'].includes(type.kind)
      ? quoted(String(value))
      : undefined;
  }
  private object(cls: string, ref: string): string {
    if (cls === 'session') return quoted(trackOf(ref));
    const record = isClassName(cls)
      ? (this.plane.replica.stored(cls, ref) as Readonly<Record<string, unknown>> | undefined)
      : undefined;
    return [String(record?.['name_label'] ?? ''), String(record?.['uuid'] ?? ''), ref].map(quoted).join(' ');
  }
}

const mostElements = 5;
const longest = 200;
const quoted = (text: string): string =>
  `'${[...text.slice(0, longest)]
    .map((c) => (c < ' ' ? ' ' : c))
    .join('')
    .replace(/[\\']/g, '\\$&')}'`;
const trackOf = (session: string): string => session.replace('OpaqueRef:', '').replaceAll('-', '');

/** True for a value that is kept out of the audit trail: by its type, its name, its class, or because it goes into a map. */
const isSecret = ({ cls, call }: Message, name: string, type: Type): boolean =>
  type.secret === true ||
  /passw|pwd|secret|token|private|content|cert|body|unattend/i.test(name) ||
  (name === 'value' && (cls.name === 'secret' || call.startsWith('add_to_')));

const onlyLooks =
  /^(get_|list_|compute_|assert_|has_|query_|maximise_|retrieve_|detect_|ha_compute_|ha_failover_plan_exists|update_allowed_operations|local_logout$)/;
/** True for a message that is audited: all but reads. */
const changes = ({ kind, call, cls }: Message): boolean =>
  kind !== 'object' &&
  kind !== 'field-get' &&
  cls.name !== 'event' &&
  !(kind === 'custom' && onlyLooks.test(call));

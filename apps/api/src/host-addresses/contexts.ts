/** The certificate for clients of TLS at a host's address: that host's, from the next second on after it has changed. */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Ref } from '@xenplane/model';
import { secureOptions, shownCertificate, type Plane } from '@xenplane/xapi';

const goodForMs = 1_000;
/** A context takes some ten kB; those that were used last are kept. */
const mostKept = 256;

interface Kept {
  readonly certificate: string;
  readonly context: SecureContext;
  readonly at: number;
}

export class HostContexts {
  private readonly kept = new Map<string, Kept>();
  constructor(private readonly plane: Plane) {}

  /** Of no host in particular: that of the pool's master. */
  async of(host: Ref<'host'> | undefined): Promise<SecureContext> {
    const key = host ?? '',
      now = performance.now();
    const kept = this.kept.get(key);
    if (kept && now - kept.at < goodForMs) return kept.context;
    const pem = await shownCertificate(this.plane, host);
    const certificate = pem.certificate + pem.chain;
    const context =
      kept?.certificate === certificate ? kept.context : createSecureContext(secureOptions(pem));
    this.kept.delete(key);
    const [oldest] = this.kept.size >= mostKept ? this.kept.keys() : [];
    if (oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(key, { certificate, context, at: now });
    return context;
  }

  /** For a server that many names lead to: by the name that a client asks for. */
  readonly byName = (name: string, done: (error: Error | null, context?: SecureContext) => void): void => {
    const host = this.plane.addresses.at(name);
    if (!host) return done(null);
    this.of(host).then(
      (context) => done(null, context),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  };
}

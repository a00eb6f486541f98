/** The authorities and single certificates that this pool trusts over TLS besides those of the system: installed in it for no purpose of their own. */
import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, rootCertificates, type ConnectionOptions } from 'node:tls';
import type { Reader } from '@xenplane/store';
import { trustedFiles } from '../tables/pool-files';

export type Trust = Pick<
  ConnectionOptions,
  'ca' | 'allowPartialTrustChain' | 'checkServerIdentity' | 'rejectUnauthorized'
>;

/** A pinned certificate proves who shows it, whatever name it bears. */
export async function trustOf(reader: Reader): Promise<Trust> {
  const installed = await trustedFiles(reader);
  const pinned = new Set(
    installed
      .filter(({ kind }) => kind === 'pinned')
      .map(({ content }) => new X509Certificate(content).fingerprint256),
  );
  return {
    ca: [...rootCertificates, ...installed.map(({ content }) => content)],
    allowPartialTrustChain: true,
    checkServerIdentity: (name, shown) =>
      pinned.has(shown.fingerprint256) ? undefined : checkServerIdentity(name, shown),
  };
}

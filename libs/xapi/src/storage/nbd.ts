/** Serving disks over NBD: encryption, its certificate, and the connection data for clients. */
import { X509Certificate } from 'node:crypto';
import { XenError, type Ref, type RecordOf, type classes } from '@xenplane/model';
import { reading, type Row, type Tx } from '@xenplane/store';
import type { Outside, Plane } from '../core/context';
import { shownCertificate } from '../host/host-certificates';
import { settingValue } from '../tables/settings';

export type NbdSecurity = 'tls' | 'none';

/** The purposes of the networks decide, for the whole pool; undefined where no network has one, or where they contradict one another. */
export async function nbdSecurity({ replica }: Plane): Promise<NbdSecurity | undefined> {
  await replica.fresh();
  const purposes = new Set(
    [...replica.refs('network')].flatMap((ref) => replica.record('network', ref)?.purpose ?? []),
  );
  if (purposes.has('nbd') === purposes.has('insecure_nbd')) return undefined;
  return purposes.has('nbd') ? 'tls' : 'none';
}

/** A name that the certificate is good for; one for many hosts only where it has no other. */
function subjectOf(certificate: string): string {
  const { subjectAltName = '', subject } = new X509Certificate(certificate);
  const names = [...subjectAltName.matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
  return names.find((name) => !name.includes('*')) ?? names[0] ?? /CN=(.+)/.exec(subject)?.[1] ?? '';
}

interface Serving {
  readonly host: Ref<'host'>;
  readonly address: string;
  readonly certificate: string | null;
}
/** A pool may have very many hosts that reach a repository; a client needs a few of them. */
const mostTold = 32;
/** The live hosts that have the disk's repository and an address on a network for it. Where several share an address, one of them. */
async function servingHosts(tx: Tx, { SR }: Row<'VDI'>): Promise<Serving[]> {
  return tx.query<Serving & Record<string, unknown>>(
    `SELECT host, address, certificate FROM (
       SELECT DISTINCT ON (h.address) h.ref AS host, h.address, r.number, ${settingValue("'host/' || h.ref || '/certificate/host'")}->>'certificate' AS certificate
       FROM pbd b JOIN host h ON h.ref = b.host JOIN host_run r ON r.host = h.ref JOIN pif p ON p.host = h.ref JOIN network n ON n.ref = p.network
       WHERE b."SR" = $1 AND b.currently_attached AND r.alive AND p.currently_attached
         AND (p."IP" <> '' OR jsonb_array_length(p."IPv6") > 0) AND n.purpose ?| array['nbd', 'insecure_nbd']
       ORDER BY h.address, r.number) found ORDER BY number LIMIT ${mostTold}`,
    [SR],
  );
}

type Info = RecordOf<typeof classes.vdi_nbd_server_info>;

/** At which hosts the disk can be read, each with what it proves itself by. */
export async function nbdInfo({ plane, token }: Outside, { self }: { self: Ref<'VDI'> }): Promise<Info[]> {
  const port = plane.settings.nbdPort();
  const vdi = await reading(plane.store, (tx) => tx.get('VDI', self));
  if (vdi.type === 'cbt_metadata') throw new XenError('VDI_INCOMPATIBLE_TYPE', self, 'CBT metadata');
  if (port === undefined) return [];
  const infos: Info[] = [];
  for (const { host, address, certificate } of await reading(plane.store, (tx) => servingHosts(tx, vdi))) {
    const isShared = plane.settings.addressing().kind === 'own';
    const cert =
      isShared || certificate === null
        ? (await shownCertificate(plane, isShared ? undefined : host)).certificate
        : certificate;
    infos.push({
      exportname: `/${vdi.uuid}?session_id=${token}`,
      address,
      port,
      cert,
      subject: subjectOf(cert),
    });
  }
  return infos;
}

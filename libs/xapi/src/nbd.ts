/** Serving disks over NBD: whether it is done encrypted, with which certificate, and what clients are told of it. */
import { X509Certificate } from 'node:crypto';
import { XenError, type Ref, type RecordOf, type classes } from '@xenplane/model';
import { reading, type Row, type Tx } from '@xenplane/store';
import type { Outside, Plane } from './context';
import { shownCertificate } from './host-certificates';

export type NbdSecurity = 'tls' | 'none';

/** The purposes of the networks decide, for the whole pool; undefined where no network has one, or where they contradict one another. */
export async function nbdSecurity({ replica }: Plane): Promise<NbdSecurity | undefined> {
  await replica.fresh();
  const purposes = new Set([...replica.refs('network')].flatMap((ref) => replica.record('network', ref)?.purpose ?? []));
  if (purposes.has('nbd') === purposes.has('insecure_nbd')) return undefined;
  return purposes.has('nbd') ? 'tls' : 'none';
}

/** A name that the certificate is good for; one for many hosts only where it has no other. */
function subjectOf(certificate: string): string {
  const { subjectAltName = '', subject } = new X509Certificate(certificate);
  const names = [...subjectAltName.matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
  return names.find((name) => !name.includes('*')) ?? names[0] ?? /CN=(.+)/.exec(subject)?.[1] ?? '';
}

/** Whether a host that has the disk's repository has an address on a network for it. */
async function isServed(tx: Tx, { SR }: Row<'VDI'>): Promise<boolean> {
  const rows = await tx.query(
    `SELECT 1 FROM pbd b JOIN pif p ON p.host = b.host JOIN network n ON n.ref = p.network
     WHERE b."SR" = $1 AND b.currently_attached AND p.currently_attached
       AND (p."IP" <> '' OR jsonb_array_length(p."IPv6") > 0) AND n.purpose ?| array['nbd', 'insecure_nbd'] LIMIT 1`,
    [SR],
  );
  return rows.length > 0;
}

type Info = RecordOf<typeof classes.vdi_nbd_server_info>;

/** Where this server is: any API process reads every disk. */
export async function nbdInfo({ plane, token }: Outside, { self }: { self: Ref<'VDI'> }): Promise<Info[]> {
  const port = plane.settings.nbdPort();
  const vdi = await reading(plane.store, (tx) => tx.get('VDI', self));
  if (vdi.type === 'cbt_metadata') throw new XenError('VDI_INCOMPATIBLE_TYPE', self, 'CBT metadata');
  if (port === undefined || !(await reading(plane.store, (tx) => isServed(tx, vdi)))) return [];
  const { certificate } = await shownCertificate(plane);
  const address = new URL(plane.settings.url()).hostname.replace(/^\[|\]$/g, '');
  return [{ exportname: `/${vdi.uuid}?session_id=${token}`, address, port, cert: certificate, subject: subjectOf(certificate) }];
}

/** Serving disks over NBD: encryption, its certificate, and the connection data for clients. */
import { X509Certificate } from 'node:crypto';
import { XenError, type Ref, type RecordOf, type classes } from '@xenplane/model';
import { reading } from '@xenplane/store';
import type { Outside, Plane } from '../core/context';
import { shownCertificate } from '../host/host-certificates';
import { servingHosts } from '../tables/runs/serving-hosts';

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

type Info = RecordOf<typeof classes.vdi_nbd_server_info>;

/** At which hosts the disk can be read, each with what it proves itself by. */
export async function nbdInfo({ plane, token }: Outside, { self }: { self: Ref<'VDI'> }): Promise<Info[]> {
  const port = plane.settings.nbdPort();
  const vdi = await reading(plane.store, (tx) => tx.get('VDI', self));
  if (vdi.type === 'cbt_metadata') throw new XenError('VDI_INCOMPATIBLE_TYPE', self, 'CBT metadata');
  if (port === undefined) return [];
  const infos: Info[] = [];
  for (const { host, address, certificate } of await reading(plane.store, (tx) => servingHosts(tx, vdi.SR))) {
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

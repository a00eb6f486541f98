/** The XML in which drivers list what they found; clients read it from the answer of a probe, or from its failure. */
import type { Target, Unit } from './world';

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const text = (value: string | number): string => String(value).replace(/[&<>"]/g, (c) => escapes[c] ?? c);
type Fields = Readonly<Record<string, string | number>>;
const element = (name: string, fields: Fields): string =>
  `<${name}>${Object.entries(fields)
    .map(([key, value]) => `<${key}>${text(value)}</${key}>`)
    .join('')}</${name}>`;
const list = (name: string, elements: readonly string[]): string =>
  `<?xml version="1.0" ?><${name}>${elements.join('')}</${name}>`;

export const exportsXml = (server: string, paths: readonly string[]): string =>
  list(
    'nfs-exports',
    paths.map((path) => element('Export', { Target: server, Path: path, Accesslist: '*' })),
  );
export const targetsXml = (targets: readonly Target[]): string =>
  list(
    'iscsi-target-iqns',
    targets.map((t) =>
      element('TGT', { Index: t.index, IPAddress: t.address, Port: t.port, TargetIQN: t.iqn }),
    ),
  );
export const unitsXml = (units: readonly Unit[]): string =>
  list(
    'iscsi-target',
    units.map((u) =>
      element('LUN', { LUNid: u.id, vendor: u.vendor, serial: u.serial, size: u.bytes, SCSIid: u.scsiId }),
    ),
  );
export const fabricXml = (units: readonly Unit[]): string =>
  list(
    'Devlist',
    units.map(({ id, vendor, serial, bytes, scsiId }) =>
      element('BlockDevice', {
        path: `/dev/disk/by-scsid/${scsiId}`,
        SCSIid: scsiId,
        vendor,
        serial,
        size: bytes,
        adapter: 'host1',
        hba: 'Simulated adapter',
        channel: 0,
        id: 0,
        lun: id,
      }),
    ),
  );
export interface Repository {
  readonly uuid: string;
  readonly label: string;
  readonly description: string;
  readonly bytes: number;
}
export const repositoriesXml = (repositories: readonly Repository[]): string =>
  list(
    'SRlist',
    repositories.map((r) =>
      element('SR', {
        UUID: r.uuid,
        Devlist: '',
        size: r.bytes,
        name_label: r.label,
        name_description: r.description,
      }),
    ),
  );

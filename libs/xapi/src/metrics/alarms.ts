/** Looks at what is watched and raises alarms. Any number of processes may look; each alarm is raised by the one that notes it first. */
import { rrd } from '@xenplane/domain';
import { asRef } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { raiseAlert, type Alert } from '../core/alerts';
import type { Plane } from '../core/context';
import { allocatedBytesSql, isThickSql } from '../storage/thick-provisioning';
import { Archives } from './recorded';
import { noteInSetting, removeNotesBefore } from '../tables/settings';

interface Configured {
  readonly cls: rrd.Watched;
  readonly ref: string;
  readonly uuid: string;
  readonly config: string;
  /** Of a repository: the part of it that is in use. */
  readonly used: number | null;
  /** Of a repository: the hosts that have it plugged. */
  readonly hosts: readonly { readonly ref: string; readonly uuid: string }[] | null;
}
const query = `
  SELECT 'VM' AS cls, ref, uuid, other_config->>'perfmon' AS config, NULL::float8 AS used, NULL::json AS hosts FROM vm WHERE other_config ? 'perfmon' AND power_state = 'Running'
  UNION ALL SELECT 'host', ref, uuid, other_config->>'perfmon', NULL, NULL FROM host WHERE other_config ? 'perfmon'
  UNION ALL SELECT 'SR', s.ref, s.uuid, s.other_config->>'perfmon', CASE WHEN s.physical_size > 0 THEN (CASE WHEN ${isThickSql} THEN ${allocatedBytesSql} ELSE s.physical_utilisation END)::float8 / s.physical_size END,
    (SELECT json_agg(json_build_object('ref', h.ref, 'uuid', h.uuid)) FROM pbd p JOIN host h ON h.ref = p.host WHERE p."SR" = s.ref AND p.currently_attached)
    FROM sr s WHERE s.other_config ? 'perfmon'`;

/** One variable of one object. */
interface Looked {
  readonly cls: rrd.Watched;
  readonly ref: string;
  readonly uuid: string;
  readonly watch: rrd.Watch;
  readonly used: number | null;
}

export async function raiseAlarms(plane: Plane): Promise<{ readonly raised: number }> {
  const configured = await plane.store.query<Configured & { ref: string }>(query);
  if (configured.length === 0) return { raised: 0 };
  const archives = await Archives.open(plane);
  const now = plane.clock.now().getTime() / 1000;
  let raised = 0;
  for (const looked of watchesOf(configured)) {
    const readings = readingsOf(archives, looked, now);
    const value = readings.at(-1) ?? Number.NaN;
    if (rrd.isAlarming(looked.watch, readings) && (await raise(plane, looked, value, now))) raised += 1;
  }
  return { raised };
}

/** A host's own word on a repository counts before the repository's. */
function watchesOf(configured: readonly Configured[]): Looked[] {
  const looked = new Map<string, Looked>();
  const add = (one: Looked): void => void (looked.has(keyOf(one)) || looked.set(keyOf(one), one));
  const all = configured.flatMap((object) =>
    rrd.watchesIn(object.config, object.cls).map((watch) => ({ object, watch })),
  );
  for (const { object, watch } of all) if (watch.name !== rrd.perHost) add({ ...object, watch });
  for (const { object, watch } of all) {
    const there = watch.name === rrd.perHost ? rrd.forHost(watch, object.uuid) : undefined;
    if (there) for (const host of object.hosts ?? []) add({ ...host, cls: 'host', watch: there, used: null });
  }
  return [...looked.values()];
}
const keyOf = ({ cls, uuid, watch }: Looked): string => `${alarmPrefix}${cls}/${uuid}/${watch.name}`;

function readingsOf(archives: Archives, { cls, ref, watch, used }: Looked, now: number): readonly number[] {
  if (cls === 'SR') return watch.name === 'physical_utilisation' && used !== null ? [used] : [];
  const rows = rrd.minutesOf(watch);
  const sheet = new rrd.Sheet(
    { step: rrd.minute, end: Math.floor(now / rrd.minute) * rrd.minute, rows },
    'AVERAGE',
  );
  const columns = (archives.of(cls, asRef(ref))?.sources ?? [])
    .filter(({ name }) => watch.metrics?.test(name))
    .map((source) => sheet.column(source.figure()));
  if (columns.length === 0) return [];
  return Array.from({ length: rows }, (_, row) =>
    rrd.combined(
      watch,
      columns.map((column) => column[row] ?? Number.NaN),
    ),
  );
}

const alarmPrefix = 'alarm/';
const classes: Readonly<Record<rrd.Watched, Alert['cls']>> = { VM: 'VM', host: 'Host', SR: 'SR' };

const longestInhibitDays = 30;
/** Lets go of what was noted of alarms long ago. */
export async function forgetAlarms(tx: Tx): Promise<void> {
  await removeNotesBefore(tx, alarmPrefix, longestInhibitDays);
}

/** False when there was one of its kind so lately that this one is not wanted. */
async function raise(plane: Plane, looked: Looked, value: number, now: number): Promise<boolean> {
  const { watch, cls, uuid } = looked;
  return inTransaction(plane.store, async (tx) => {
    const noted = await noteInSetting(tx, keyOf(looked), { now, since: now - watch.inhibitSeconds });
    if (noted === undefined) return false;
    await raiseAlert(tx, plane, {
      name: 'ALARM',
      priority: watch.priority,
      cls: classes[cls],
      obj_uuid: uuid,
      body: rrd.alarmBody(watch, value),
    });
    return true;
  });
}

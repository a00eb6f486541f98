/** Databases beside the server's own: on a disk that another pool has written, or in a file of the server. */
import { logOut, type Api } from '../api';
import { keyed, Misuse, type Arguments } from './arguments';
import type { Objects } from './objects';

const from = (args: Arguments): Readonly<Record<string, string>> =>
  Object.fromEntries(keyed(args, 'database'));

async function within<T>(api: Api, session: string, work: (api: Api) => Promise<T>): Promise<T> {
  const database = api.as(session);
  return work(database).finally(() => logOut(database));
}
const onDisk = async <T>(objects: Objects, uuid: string, work: (api: Api) => Promise<T>): Promise<T> =>
  within(
    objects.api,
    await objects.api.call<string>('VDI.open_database', await objects.byUuid('VDI', uuid)),
    work,
  );

/** Looks into the database that is named; without a name into the server's own. */
export async function inDatabase<T>(
  args: Arguments,
  objects: Objects,
  work: (api: Api) => Promise<T>,
): Promise<T> {
  const { 'vdi-uuid': disk, filename } = from(args);
  if (disk !== undefined && filename !== undefined)
    throw new Misuse('xapi can query a DB vdi or a DB file, but not both.');
  if (disk !== undefined) return onDisk(objects, disk, work);
  if (filename === undefined) return work(objects.api);
  return within(objects.api, await objects.api.call<string>('session.create_from_db_file', filename), work);
}
/** For commands that are about a database on a disk, and nothing else. */
export async function inDatabaseOnDisk<T>(
  args: Arguments,
  objects: Objects,
  work: (api: Api) => Promise<T>,
): Promise<T> {
  const { 'vdi-uuid': disk } = from(args);
  if (disk === undefined)
    throw new Misuse(
      "A parameter of the form 'database:vdi-uuid=<uuid>' must be specified to run this command.",
    );
  return onDisk(objects, disk, work);
}

/** Files between the user and the server: a task, an address that the user's side fetches or sends to, and the end of the task. */
import { errorFrom, XenError } from '@xenplane/model';
import { ended } from '../api';
import { Ended } from './arguments';
import type { Surroundings } from './surroundings';

export interface Transfer {
  readonly direction: 'get' | 'put';
  readonly file: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** The name of the task. */
  readonly label: string;
  readonly description?: string;
  /** A task of the user's, which is left to the user. */
  readonly task?: string;
  /** Says how far it is while it goes on. */
  readonly progress?: boolean;
}

/** References stand in addresses as they are. */
const queryOf = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`.replaceAll('%3A', ':'))
    .join('&');

/** Answers the text of the task's result. */
export async function transfer(around: Surroundings, plan: Transfer): Promise<string> {
  const { api } = around.objects;
  const task = plan.task ?? (await api.call<string>('task.create', plan.label, plan.description ?? ''));
  try {
    return await within(around, plan, task);
  } finally {
    if (plan.task === undefined) await api.call('task.destroy', task).catch(() => undefined);
  }
}
async function within(
  { objects: { api }, terminal, onProgress }: Surroundings,
  plan: Transfer,
  task: string,
): Promise<string> {
  // Below zero until the server has taken the task over: then it ends with what the server says.
  await api.call('task.set_progress', task, -1).catch(() => undefined);
  const url = `${plan.path}?${queryOf({ session_id: api.session, task_id: task, ...plan.query })}`;
  const watching = plan.progress ? ended(api, task, onProgress) : undefined;
  // It may fail while nobody waits for it yet.
  watching?.catch(() => undefined);
  const isTaken = async (): Promise<boolean> => (await api.call<number>('task.get_progress', task)) >= 0;
  const fail = (): Promise<unknown> => api.call('task.set_status', task, 'failure');
  const moved = await (
    plan.direction === 'get' ? terminal.httpGet(plan.file, url) : terminal.httpPut(plan.file, url)
  ).catch(async (error: unknown) => {
    // Whoever waits for the task learns that the file could not be read or written.
    if (!(await isTaken().catch(() => true))) await fail().catch(() => undefined);
    throw error;
  });
  if (moved) return watching ?? ended(api, task);
  if (await isTaken()) await ended(api, task);
  else await fail();
  throw new Unmoved();
}
/** The user's side says that it failed, and the server nothing. */
class Unmoved extends Error {
  constructor() {
    super('the file was not moved');
    this.name = 'Unmoved';
  }
}

/** A transfer whose failure is that of the server, or else of the user's side. */
export async function moved(around: Surroundings, plan: Transfer): Promise<string> {
  return transfer(around, plan).catch((error: unknown) => {
    throw error instanceof Unmoved ? errorFrom(['CLIENT_ERROR']) : error;
  });
}
/** A transfer that says how it went, by this name. */
export async function told(around: Surroundings, plan: Transfer, name: string): Promise<void> {
  await transfer(around, plan).catch((error: unknown) => {
    if (error instanceof Unmoved) throw new Ended(`${name} failed, unknown error.\n`, 1);
    if (error instanceof XenError && error.code === 'TASK_CANCELLED')
      throw new Ended(`${name} cancelled\n`, 1);
    throw error;
  });
  if (plan.file !== '') around.terminal.print(`${name} succeeded`);
}

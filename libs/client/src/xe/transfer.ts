/** Files between the user and the server: a task, an address that the user's side fetches or sends to, and the end of the task. */
import { errorFrom } from '@xenplane/model';
import { ended } from '../api';
import type { Surroundings } from './terminal';

export interface Transfer {
  readonly direction: 'get' | 'put';
  readonly file: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly label: string;
  /** Says how far it is while it goes on. */
  readonly progress?: boolean;
}
/** The other side refused and its task does not say why, or the user's file cannot be had. */
export class TransferFailed extends Error {
  constructor(readonly label: string) {
    super(`${label} failed, unknown error.`);
    this.name = 'TransferFailed';
  }
}

/** Answers the text of the task's result. */
export async function transfer(
  { objects: { api }, terminal }: Surroundings,
  { direction, file, path, query = {}, label, progress = false }: Transfer,
): Promise<string> {
  const task = await api.call<string>('task.create', label, '');
  try {
    await api.call('task.set_progress', task, -1).catch(() => undefined);
    const url = `${path}?${new URLSearchParams({ session_id: api.session, task_id: task, ...query }).toString()}`;
    const watching = progress ? ended(api, task, (f) => terminal.onProgress(f)) : undefined;
    const moved = await (direction === 'get' ? terminal.httpGet(file, url) : terminal.httpPut(file, url));
    if (!moved) throw await reason(api, task, label, watching);
    return await (watching ?? ended(api, task));
  } finally {
    await api.call('task.destroy', task).catch(() => undefined);
  }
}
async function reason(api: Surroundings['objects']['api'], task: string, label: string, watching: Promise<string> | undefined): Promise<Error> {
  watching?.catch(() => undefined);
  const info = await api.call<string[]>('task.get_error_info', task).catch(() => []);
  if (info.length > 0) return errorFrom(info);
  await api.call('task.set_status', task, 'failure').catch(() => undefined);
  return new TransferFailed(label);
}

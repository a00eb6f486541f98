/** A disk that is served: held, so that nobody changes it meanwhile, under a task that its reader's session owns. */
import type { Socket } from 'node:net';
import { allows, classes, XenError } from '@xenplane/model';
import {
  errorOf,
  findVdi,
  holdRead,
  HttpTask,
  readDisk,
  type Plane,
  type Session,
  type Sessions,
  type TransferHeartbeats,
} from '@xenplane/xapi';
import type { DiskSource } from '@xenplane/wire';

/** A block of a disk's layers; and the longest that the protocol lets a client ask for without asking first. */
export const preferredRead = 65_536;
export const largestRead = 2 ** 25;

export interface Serving {
  readonly plane: Plane;
  readonly sessions: Sessions;
  readonly beats: TransferHeartbeats;
}

export class Export {
  private constructor(
    readonly source: DiskSource,
    private readonly hold: Hold,
  ) {}

  /** By a name as VDI.get_nbd_info gives it: the disk's uuid, and the session of whoever reads. */
  static async open({ plane, sessions, beats }: Serving, name: string, socket: Socket): Promise<Export> {
    const { uuid, token } = partsOf(name);
    const session = await sessions.findNow(token);
    assertMayRead(session);
    const vdi = await findVdi(plane, uuid);
    if (vdi.type === 'cbt_metadata') throw new XenError('VDI_INCOMPATIBLE_TYPE', vdi.ref, 'CBT metadata');
    const hold = new Hold(
      await HttpTask.make(plane, beats, { label: 'Serving VDI over NBD', session }),
      socket,
    );
    return hold.unless(async () => {
      await holdRead(plane, hold.task, [vdi.ref]);
      return new Export(await readDisk(plane, vdi, { signal: hold.signal }), hold);
    });
  }

  /** Lets the disk go when the work fails. */
  async unless(work: () => Promise<unknown>): Promise<void> {
    await this.hold.unless(work);
  }
  async close(): Promise<void> {
    await this.hold.end();
  }
}

function assertMayRead({ role, foreign }: Session): void {
  if (foreign || !allows(role, classes.VDI.calls.get_nbd_info.role))
    throw new XenError('RBAC_PERMISSION_DENIED', 'VDI.get_nbd_info', 'No permission in user session');
}

/** The disk that a connection keeps busy, and for how long. */
class Hold {
  private readonly done = new AbortController();
  private cancelled = false;

  constructor(
    readonly task: HttpTask,
    socket: Socket,
  ) {
    socket.once('close', () => this.done.abort());
    const cancel = (): void => {
      this.cancelled = true;
      socket.destroy();
    };
    void task.whenCancelled(cancel, this.signal).catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.done.signal;
  }

  async unless<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.done.abort();
      await this.task.fail(errorOf(error));
      throw error;
    }
  }

  async end(): Promise<void> {
    this.done.abort();
    if (this.cancelled) await this.task.fail(new XenError('TASK_CANCELLED', this.task.ref));
    else await this.task.succeed('');
  }
}

function partsOf(name: string): { uuid: string; token: string } {
  const [path = '', query = ''] = name.split('?', 2);
  return { uuid: path.replace(/^\//, ''), token: new URLSearchParams(query).get('session_id') ?? '' };
}

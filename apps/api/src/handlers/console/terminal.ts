/** The console of a running VM as one client has it: the agent keeps it, so that all clients of all API processes have the same. */
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { terminal as screens } from '@xenplane/domain';
import type { Ref } from '@xenplane/model';
import { ConsoleRefused, consoleOwner, type AgentConsole, type Plane, type ShownVm } from '@xenplane/xapi';
import { Refusal } from '../exchange/refusal';

const firstSize = { columns: 80, rows: 25 };
/** Keys beyond these are lost while the guest does not take any. */
const mostTypedBytes = 65_536;

export class Terminal {
  private readonly output = new screens.Output(firstSize);
  private readonly decoder = new StringDecoder('utf8');
  private readonly watchers = new Set<() => void>();
  private readonly socket: Duplex;

  constructor(
    { socket, written }: AgentConsole,
    private readonly shown: ShownVm & { readonly plane: Plane; readonly vm: Ref<'VM'> },
  ) {
    this.socket = socket;
    this.take(written);
    socket.on('data', (bytes: Buffer) => this.take(bytes)).resume();
    socket.once('end', () => socket.destroy());
    socket.once('close', () => this.notify());
  }

  /** True while the agent has it open, and the VM runs there for all that this process knows. */
  get isAlive(): boolean {
    const { plane, vm, host } = this.shown;
    return !this.socket.destroyed && consoleOwner(plane.replica, vm)?.host === host;
  }
  read(): ReturnType<screens.Output['read']> {
    return this.output.read();
  }
  type(text: string): void {
    if (text !== '' && this.socket.writable && this.socket.writableLength < mostTypedBytes)
      this.socket.write(Buffer.from(text, 'latin1'));
  }
  /** Called when something was written, and when it is closed. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }
  close(): void {
    this.socket.destroy();
  }

  private take(bytes: Buffer): void {
    this.output.write(this.decoder.write(bytes));
    this.notify();
  }
  private notify(): void {
    for (const watcher of this.watchers) watcher();
  }
}

/** 404 for a VM that does not run, 503 for one that somebody else looks at and only one may; CANNOT_CONTACT_HOST without its agent. */
export async function openTerminal(
  plane: Plane,
  vm: Ref<'VM'>,
  { alone }: { readonly alone: boolean },
): Promise<Terminal> {
  const shown = consoleOwner(plane.replica, vm);
  if (!shown) throw notRunning();
  try {
    const console = await plane.agents.console(shown.host, shown.owner, alone);
    return new Terminal(console, { ...shown, plane, vm });
  } catch (error) {
    if (!(error instanceof ConsoleRefused)) throw error;
    if (error.status === 404) throw notRunning();
    throw new Refusal(
      503,
      error.status === 409
        ? 'Somebody else is at this console, and the pool allows one only'
        : 'The host has no console free',
    );
  }
}
export const notRunning = (): Refusal => new Refusal(404, 'The VM does not run');

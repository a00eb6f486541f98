/** The two languages of consoles: a framebuffer for graphical clients, plain text for terminals. */
import { terminal as screens } from '@xenplane/domain';
import { RfbServer } from '@xenplane/wire';
import type { Terminal } from './terminal';

export interface Peer {
  /** The bytes sent before the client has said anything. */
  greeting(): Uint8Array;
  /** The bytes of the answer; typed keys go to the terminal. */
  receive(bytes: Uint8Array): { readonly reply: Uint8Array; readonly hasTyped: boolean };
  /** The changes of the terminal, in the client's encoding. */
  refresh(): Uint8Array;
}
const nothing = new Uint8Array();

export class RfbPeer implements Peer {
  private readonly server: RfbServer;
  private shown = '';

  constructor(
    private readonly terminal: Terminal,
    name: string,
  ) {
    this.server = new RfbServer(name, this.screen(terminal.read().size));
  }

  greeting(): Uint8Array {
    return this.server.greeting();
  }
  receive(bytes: Uint8Array): ReturnType<Peer['receive']> {
    const { reply, typed } = this.server.receive(bytes);
    this.terminal.type(typed);
    return { reply, hasTyped: typed !== '' };
  }
  /** Drawn again only when something was written or the size is another. */
  refresh(): Uint8Array {
    const { from, text, size } = this.terminal.read();
    const { columns, rows } = this.server.sizeFor(size);
    const state = `${from + text.length} ${columns} ${rows}`;
    if (state === this.shown) return nothing;
    this.shown = state;
    return this.server.show(this.screen({ columns, rows }));
  }
  private screen({ columns, rows }: screens.Size): screens.Screen {
    return screens.screenOf(this.terminal.read().text, columns, rows);
  }
}

export class TextPeer implements Peer {
  /** How much of all that was ever written has been sent. */
  private sent = 0;

  constructor(private readonly terminal: Terminal) {}

  greeting(): Uint8Array {
    return this.refresh();
  }
  receive(bytes: Uint8Array): ReturnType<Peer['receive']> {
    this.terminal.type(Buffer.from(bytes).toString('latin1'));
    return { reply: nothing, hasTyped: true };
  }
  refresh(): Uint8Array {
    const { from, text } = this.terminal.read();
    const fresh = text.slice(Math.max(0, this.sent - from));
    this.sent = Math.max(this.sent, from + text.length);
    return fresh === '' ? nothing : Buffer.from(fresh);
  }
}

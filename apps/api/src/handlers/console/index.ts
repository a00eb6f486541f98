/** Consoles of running VMs, raw and through WebSockets, and pictures of them. */
import { terminal as screens } from '@xenplane/domain';
import type { HandlerName } from '@xenplane/model';
import { jpegOf, paint, RfbError } from '@xenplane/wire';
import { sendDocument, sessionOf, type Exchange, type Handler } from '../exchange/exchange';
import { idleLimitMs, isForOne } from './limits';
import { rawLine, webSocketLine, type Line } from './lines';
import { RfbPeer, TextPeer, type Peer } from './peers';
import { targetOf, type Target } from './target';
import { openTerminal, type Terminal } from './terminal';

/** How often it is looked whether the VM is gone, and whether a client that did not read reads again. */
const lookMs = 150;
/** A client that does not read gets nothing new. */
const mostUnreadBytes = 2 ** 22;

function console(name: HandlerName, hostPart: string, lineOf: (exchange: Exchange) => Line): Handler {
  return {
    name,
    run: async (exchange) => {
      const target = await targetOf(exchange, name, hostPart);
      const terminal = await openTerminal(exchange.plane, target.vm, { alone: isForOne(exchange.plane) });
      try {
        const peer = peerOf(exchange, target, terminal);
        await converse(exchange, {
          terminal,
          line: lineOf(exchange),
          peer,
          idleMs: () => idleLimitMs(exchange.plane, target.vm),
        });
      } finally {
        terminal.close();
      }
    },
  };
}

const peerOf = ({ plane }: Exchange, { vm, protocol }: Target, terminal: Terminal): Peer =>
  protocol === 'rfb'
    ? new RfbPeer(terminal, plane.replica.stored('VM', vm)?.name_label ?? '')
    : new TextPeer(terminal);

interface Conversation {
  readonly terminal: Terminal;
  readonly line: Line;
  readonly peer: Peer;
  /** How long nothing may be typed. */
  idleMs(): number;
}

/** Until the client leaves or falls asleep, its session ends, or the VM stops. */
async function converse(exchange: Exchange, { terminal, line, peer, idleMs }: Conversation): Promise<void> {
  const { socket, signal, dispatcher, plane } = exchange;
  let typedAt = plane.clock.monotonic();
  const send = (bytes: Uint8Array): void => {
    if (bytes.length > 0 && socket.writable) line.send(bytes);
  };
  const refresh = (): void => {
    if (socket.writableLength < mostUnreadBytes) send(peer.refresh());
  };
  const take = (bytes: Uint8Array): void => {
    const { reply, hasTyped } = peer.receive(bytes);
    if (hasTyped) typedAt = plane.clock.monotonic();
    send(reply);
    refresh();
  };
  const isOver = (): boolean => !terminal.isAlive || plane.clock.monotonic() - typedAt > idleMs();
  send(peer.greeting());
  const endings: (() => void)[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      endings.push(terminal.watch(() => (terminal.isAlive ? refresh() : resolve())));
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
      endings.push(dispatcher.sessions.onClose(sessionOf(exchange).ref, resolve));
      const looking = setInterval(() => (isOver() ? resolve() : refresh()), lookMs);
      endings.push(() => clearInterval(looking));
      socket.once('end', resolve);
      line.listen((bytes) => {
        try {
          take(bytes);
        } catch (error) {
          if (error instanceof RfbError) resolve();
          else reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  } finally {
    for (const end of endings) end();
    line.end();
  }
}

/** The screen as it is now. */
const snapshot: Handler = {
  name: 'get_vncsnapshot',
  run: async (exchange) => {
    const { vm } = await targetOf(exchange, 'get_vncsnapshot', 'host_console');
    const terminal = await openTerminal(exchange.plane, vm, { alone: false });
    const { text, size } = terminal.read();
    terminal.close();
    sendDocument(exchange, 'image/jpeg', jpegOf(paint(screens.screenOf(text, size.columns, size.rows))));
  },
};

export const consoleHandlers: readonly Handler[] = [
  console('connect_console', 'host_console', rawLine),
  console('connect_console_ws', 'host_console_ws', webSocketLine),
  snapshot,
];

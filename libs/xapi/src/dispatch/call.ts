/** A call on its way through dispatch: what was asked, what it means, what is answered. */
import type { Message, Type } from '@xenplane/model';
import type { Blocks, Untyped } from '@xenplane/wire';
import type { TaskHead } from '../begin/tasks';
import type { RequestOrigin, Session } from '../core/context';

export type Args = Readonly<Record<string, unknown>>;

/** Parameters as the wires have them, in order with the session first; or by name, for interfaces of this process. */
export type Parameters =
  | { readonly params: readonly Untyped[] }
  | { readonly token?: string; readonly named: Readonly<Record<string, Untyped>> };
export type Request = Parameters & {
  readonly method: string;
  readonly signal: AbortSignal;
  readonly way?: RequestOrigin;
  readonly head?: TaskHead;
};

/** An answer: a value and its type, or the members of a map whose JSON the replica has ready. Void has no type. */
export type Answer =
  | { readonly type: Type | undefined; readonly value: unknown }
  | { readonly type: Type; readonly blocks: Blocks };

export interface Call {
  readonly message: Message;
  readonly session: Session | undefined;
  readonly token: string;
  readonly args: Args;
  /** Of a call in the background: the method as the client wrote it. */
  readonly label: string | undefined;
  readonly signal: AbortSignal;
  readonly way: RequestOrigin;
  readonly head: TaskHead;
  /** Lets the next call have its turn. */
  readonly release: () => void;
}
export type InSession = Call & { readonly session: Session };
export type Background = InSession & { readonly label: string };

export const isInSession = (call: Call): call is InSession => call.session !== undefined;
export const isBackground = (call: InSession): call is Background => call.label !== undefined;

/** One HTTP exchange of a handler beside the calls: who asks, with which parameters, under which task. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { allows, handlerNamed, type HandlerName, type Role } from '@xenplane/model';
import type { Bodies } from '@xenplane/http';
import {
  denied,
  type Dispatcher,
  type HttpTask,
  type Plane,
  type Session,
  type RequestOrigin,
} from '@xenplane/xapi';
import { Refusal, shown } from './refusal';

export interface Exchange {
  readonly request: IncomingMessage;
  /** Absent for CONNECT and for upgrades, which have the bare socket. */
  readonly response: ServerResponse | undefined;
  readonly socket: Duplex;
  /** The bytes on the socket behind the head of a CONNECT or an upgrade. */
  readonly head: Buffer;
  readonly path: string;
  /** Of the address and, for `session_id`, `task_id` and `subtask_of`, of the cookie. */
  readonly query: URLSearchParams;
  readonly token: string;
  readonly way: RequestOrigin;
  /** Without one only handlers that are open get here. */
  readonly session: Session | undefined;
  /** The client's task, or the handler's own when it says that it makes one. */
  readonly task: HttpTask | undefined;
  readonly plane: Plane;
  readonly dispatcher: Dispatcher;
  /** Bodies that are held in memory. */
  readonly bodies: Bodies;
  /** Aborted when the client is gone or the task is cancelled. */
  readonly signal: AbortSignal;
}

export interface Handler {
  readonly name: HandlerName;
  /** The label of the task that is made when the client brings none; without one no task is made. */
  readonly task?: string;
  /** Answers; what it returns is the task's result in the form of the wire. */
  run(exchange: Exchange): Promise<string | void>;
}

/** The response of an exchange that is no CONNECT and no upgrade. */
export function responseOf({ response }: Exchange): ServerResponse {
  if (!response) throw new Refusal(400, 'This handler takes no raw connection');
  return response;
}

/** Pages of other servers, such as XO Lite, may read it. */
export const forPages = { 'access-control-allow-origin': '*' } as const;

/** Writes a whole document and closes. */
export function sendDocument(
  exchange: Exchange,
  type: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  responseOf(exchange)
    .writeHead(200, {
      connection: 'close',
      'cache-control': 'no-cache, no-store',
      'content-type': type,
      'content-length': String(body.byteLength),
      ...headers,
    })
    .end(body);
}

/** The session of an exchange that cannot be without one. */
export function sessionOf({ session }: Exchange): Session {
  if (!session) throw new Refusal(401, 'A session is needed');
  return session;
}

/** The task of a handler that makes one when the client brings none. */
export function taskOf({ task }: Exchange): HttpTask {
  if (!task) throw new Refusal(401, 'A session is needed');
  return task;
}

/** 403 unless the session's role may do this part of the handler. */
export function assertMay(exchange: Exchange, name: HandlerName, part: string): void {
  const needed = handlerNamed(name).parts?.[part];
  if (needed) assertRole(sessionOf(exchange).role, needed, `http/${name}/${part}`);
}

export function assertRole(held: Role, needed: Role, permission: string): void {
  if (!allows(held, needed)) throw new Refusal(403, shown(denied(permission, needed)));
}

/** A parameter that must be given: 400 names it. */
export function required(exchange: Exchange, name: string): string {
  const value = exchange.query.get(name);
  if (value === null || value === '') throw new Refusal(400, `The parameter ${name} is missing`);
  return value;
}

/** `true` and `1` are true, as in xapi's queries. */
export const flag = (exchange: Exchange, name: string, otherwise = false): boolean => {
  const value = exchange.query.get(name);
  return value === null ? otherwise : value === 'true' || value === '1';
};

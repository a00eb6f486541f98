/** Where a command's words come from and its lines go to: a terminal of this machine, or a client at the other end of the thin protocol. */
import type { Send } from '../api';

export interface Terminal {
  /** A line on standard output. */
  print(text: string): void;
  /** Text on standard error as it is, without an end of line of its own. */
  printError(text: string): void;
  /** An error that has no sentence of its own. */
  error(code: string, params: readonly string[]): void;
  /** A line that the user types. */
  prompt(): Promise<string>;
  readFile(name: string): Promise<Uint8Array>;
  /** Fetches an address of the server into a new file, `` and `-` for standard output. False when the server refused. */
  httpGet(file: string, path: string): Promise<boolean>;
  /** Sends a file to an address of the server, `-` for standard input. False when the server refused. */
  httpPut(file: string, path: string): Promise<boolean>;
  /** Joins the user's terminal to a console of the server. */
  httpConnect(path: string): Promise<boolean>;
  /** How calls of another pool are sent; `fetch` where there is no other way. */
  sendCall?: Send;
  /** The URL of another pool from an address that may have no scheme. Undefined when it is no address. */
  originOf(address: string): Promise<string | undefined>;
  /** A part of one, for people. */
  onProgress(fraction: number): void;
  /** An image in one request whose answer says more than yes or no; only a terminal of this machine can. */
  upload?(file: string, path: string): Promise<unknown>;
}

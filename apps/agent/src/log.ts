/** What agents need of a log. */
export interface Log {
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
}

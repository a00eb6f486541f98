/** The part of a log that agents need. */
export interface Log {
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
}

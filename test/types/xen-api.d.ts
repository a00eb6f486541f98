/** The part of npm's xen-api that the compatibility tests use; the package ships no types. */
declare module 'xen-api' {
  type Listener = (items: Readonly<Record<string, unknown>>) => void;
  export interface Xapi {
    readonly objects: {
      readonly all: unknown;
      on(event: 'add' | 'update' | 'remove', listener: Listener): void;
      removeListener(event: 'add' | 'update' | 'remove', listener: Listener): void;
    };
    readonly objectsFetched: Promise<void>;
    readonly connected: Promise<void>;
    readonly disconnected: Promise<void>;
    readonly status: string;
    readonly sessionId: string;
    readonly pool: unknown;
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    call(method: string, ...params: unknown[]): Promise<unknown>;
    callAsync(method: string, ...params: unknown[]): Promise<unknown>;
    callAsync(cancelToken: object, method: string, ...params: unknown[]): Promise<unknown>;
    createTask(label: string, description?: string): Promise<string>;
    watchTask(ref: string): Promise<unknown>;
    getAllRecords(type: string): Promise<unknown[]>;
    getRecord(type: string, ref: string): Promise<unknown>;
    getRecordByUuid(type: string, uuid: string): Promise<unknown>;
    getRecords(type: string, refs: readonly string[]): Promise<unknown[]>;
    getField(type: string, ref: string, field: string): Promise<unknown>;
    getFieldByUuid(type: string, uuid: string, field: string): Promise<unknown>;
    setField(type: string, ref: string, field: string, value: unknown): Promise<void>;
    setFields(type: string, ref: string, fields: object): Promise<void>;
    setFieldEntry(
      type: string,
      ref: string,
      field: string,
      entry: string,
      value: string | null,
    ): Promise<void>;
    setFieldEntries(type: string, ref: string, field: string, entries: object): Promise<void>;
    getObject(ref: string, fallback?: unknown): unknown;
    getObjectByRef(ref: string, fallback?: unknown): unknown;
    getObjectByUuid(uuid: string, fallback?: unknown): unknown;
    getResource(
      path: string,
      options: object,
    ): Promise<{ readonly body: { arrayBuffer(): Promise<ArrayBuffer> }; readonly task?: Promise<unknown> }>;
    watchEvents(): void;
    putResource(body: unknown, path: string, options: object): Promise<unknown>;
    barrier(ref?: string): Promise<unknown>;
  }
  export function createClient(options: object): Xapi;
}

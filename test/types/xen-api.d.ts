/** The part of npm's xen-api that the compatibility tests use; the package ships no types. */
declare module 'xen-api' {
  export interface Xapi {
    readonly objects: { readonly all: unknown };
    readonly objectsFetched: Promise<void>;
    readonly sessionId: string;
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    call(method: string, ...params: unknown[]): Promise<unknown>;
    callAsync(method: string, ...params: unknown[]): Promise<unknown>;
    getObject(ref: string, fallback?: unknown): unknown;
    barrier(ref?: string): Promise<unknown>;
  }
  export function createClient(options: object): Xapi;
}

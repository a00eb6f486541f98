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
    getResource(path: string, options: object): Promise<{ readonly body: { arrayBuffer(): Promise<ArrayBuffer> } }>;
    putResource(body: unknown, path: string, options: object): Promise<unknown>;
    barrier(ref?: string): Promise<unknown>;
  }
  export function createClient(options: object): Xapi;
}

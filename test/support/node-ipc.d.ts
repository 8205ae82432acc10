/** The part of node-ipc that a client needs; the package brings no types. */
declare module 'node-ipc' {
  interface Connection {
    on(event: 'data', listener: (chunk: Buffer) => void): this;
    on(event: 'connect' | 'disconnect', listener: () => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
  }

  export class IPCModule {
    readonly config: {
      silent: boolean;
      parser: 'raw' | 'fast' | 'guarded' | 'assured';
      rawBuffer: boolean;
      maxRetries: number;
    };
    readonly of: Readonly<Record<string, Connection | undefined>>;
    connectTo(id: string, path: string, whenMade: () => void): void;
    disconnect(id: string): void;
  }
}

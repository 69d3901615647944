/**
 * The part of the global `WebAssembly` that is used here. TypeScript declares it among what browsers have,
 * which the engine must not see.
 */
declare const module: unique symbol;

/** Compiled, and nothing run of it. */
export interface WasmModule {
  readonly [module]: true;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** By so many pages of 64 KiB; throws where that is more than its maximum. */
  grow(pages: number): number;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface Api {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => WasmMemory;
  readonly Instance: new (compiled: WasmModule, imports: object) => WasmInstance;
}

const api = (globalThis as unknown as { readonly WebAssembly: Api }).WebAssembly;

export const createWasmModule = (bytes: Uint8Array): WasmModule => new api.Module(bytes);

export const createWasmMemory = (initial: number, maximum: number): WasmMemory =>
  new api.Memory({ initial, maximum });

export const createWasmInstance = (compiled: WasmModule, imports: object): WasmInstance =>
  new api.Instance(compiled, imports);

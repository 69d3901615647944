/** What the service and its child processes say to each other: JSON, one message a line. */

export type ToChild =
  /** A module for later; bytes in base64. */
  | {
      readonly kind: "load";
      readonly module: number;
      readonly wasm: string;
      readonly data?: string;
    }
  | {
      readonly kind: "evaluate";
      readonly module: number;
      readonly entrypoint: string;
      /** JSON. */
      readonly input: string;
      readonly nowMs: number;
    };

export type FromChild =
  /** Unasked, once it can be spoken to. */
  | { readonly kind: "ready" }
  | {
      readonly kind: "loaded";
      readonly entrypoints: readonly string[];
      readonly builtins: readonly string[];
    }
  /** What `opa_eval` wrote. */
  | { readonly kind: "answer"; readonly text: string }
  | { readonly kind: "failed"; readonly why: string };

/** Longer than any honest line. */
export const LINE_BYTES_MAX = 1024 * 1024;

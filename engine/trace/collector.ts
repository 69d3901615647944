/** A collector that the configuration names, asked by the rules of all that goes out (`egress/fetch.ts`). */
import { fetchBytes } from "../egress/fetch.ts";
import { createExporter, type Exporter } from "./exporter.ts";

export interface CollectorParts {
  /** Where it takes spans, path and all: `https://collector.example/v1/traces`. */
  readonly url: URL;
  readonly privateNetworks: boolean;
  readonly onFailure: (because: string) => void;
}

/** Shutting down waits for one of these at most. */
const TIMEOUT_MS = 2_000;
const ANSWER_BYTES_MOST = 64 * 1024;

export function exportTo({ url, privateNetworks, onFailure }: CollectorParts): Exporter {
  return createExporter({
    async send(body) {
      const fetched = await fetchBytes({
        url,
        privateNetworks,
        post: { contentType: "application/json", body },
        byteCountMax: ANSWER_BYTES_MOST,
        timeoutMs: TIMEOUT_MS,
      });
      if (fetched.kind === "body") return fetched.bytes;
      throw new Error(fetched.kind === "failed" ? fetched.because : "it was not taken");
    },
    after(ms, then) {
      const timer = setTimeout(then, ms).unref();
      return () => clearTimeout(timer);
    },
    onFailure,
  });
}

/** A thread in which another host of OPA's ABI, the npm SDK, answers: it can be ended when a module loops. */
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

export interface SdkQuestion {
  readonly wasm: Uint8Array;
  readonly data: string;
  readonly entrypoint: string;
  readonly input: string;
  /** What `time.now_ns` and `time.clock` give. */
  readonly nowNs: number;
  readonly clock: readonly number[];
}

interface LoadedModule {
  setData(data: unknown): void;
  evaluate(input: unknown, entrypoint: string): unknown;
}

const { loadPolicySync } = createRequire(import.meta.url)("@open-policy-agent/opa-wasm") as {
  loadPolicySync(bytes: Uint8Array, memory: number, custom: object): LoadedModule;
};

const { wasm, data, entrypoint, input, nowNs, clock } = workerData as SdkQuestion;
const custom = { "time.now_ns": () => nowNs, "time.clock": () => clock };
try {
  const loaded = loadPolicySync(wasm, 2, custom);
  loaded.setData(JSON.parse(data));
  parentPort?.postMessage({ answer: loaded.evaluate(JSON.parse(input), entrypoint) });
} catch (error) {
  parentPort?.postMessage({ failed: String(error) });
}

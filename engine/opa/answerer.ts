/** What answers, wherever modules run: it loads them, and asks them one question after the other. */
import { messageOf } from "../fault.ts";
import type { Host } from "./host.ts";
import { contextAt, openModule } from "./open.ts";
import type { FromChild, ToChild } from "./protocol.ts";

/** With `reuse`, a module keeps its instance from one evaluation to the next. Whatever a module throws is told. */
export function createAnswerer({ reuse }: { readonly reuse: boolean }) {
  const hosts = new Map<number, Host>();
  const answer = (message: ToChild): FromChild =>
    message.kind === "load" ? load(message, hosts, reuse) : evaluate(message, hosts);
  return (message: ToChild): FromChild => {
    try {
      return answer(message);
    } catch (error) {
      return { kind: "failed", why: messageOf(error).slice(0, 1_000) };
    }
  };
}

type Load = Extract<ToChild, { kind: "load" }>;
type Evaluate = Extract<ToChild, { kind: "evaluate" }>;

function load({ module, wasm, data }: Load, hosts: Map<number, Host>, reuse: boolean): FromChild {
  const source = {
    wasm: Buffer.from(wasm, "base64"),
    ...(data === undefined ? {} : { data: Buffer.from(data, "base64") }),
  };
  const host = openModule(source, { reuse });
  hosts.set(module, host);
  const { entrypoints, builtins } = host.described;
  return { kind: "loaded", entrypoints: [...entrypoints.keys()], builtins: [...builtins.keys()] };
}

function evaluate(
  { module, entrypoint, input, nowMs }: Evaluate,
  hosts: ReadonlyMap<number, Host>,
): FromChild {
  const host = hosts.get(module);
  const number = host?.described.entrypoints.get(entrypoint);
  if (host === undefined || number === undefined) {
    return { kind: "failed", why: `it has no entrypoint \`${entrypoint}\`` };
  }
  return { kind: "answer", text: host.evaluate(number, Buffer.from(input), contextAt(nowMs)) };
}

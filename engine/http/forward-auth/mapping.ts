/** How what a proxy was asked becomes a request of ours (SPEC §12.12): the operator's file. */
import type { Json } from "../../../lang/type.ts";
import type { JsonValue } from "../../json.ts";
import { isObject, type Problem, report } from "../../value-reader.ts";
import { checkMembers, readTemplate, readWords } from "../members.ts";

/** Each says in its own way what was asked of it, and no other way is believed. */
export const PROXIES = ["nginx", "traefik", "caddy", "envoy"] as const;
export type ProxyKind = (typeof PROXIES)[number];

export interface ProxyMapping {
  readonly proxy: ProxyKind;
  readonly request: Json;
  /** Obligations that the proxy carries out, or what stands behind it. */
  readonly understood: ReadonlySet<string>;
}

export type ProxyMappingReading =
  | { readonly ok: true; readonly mapping: ProxyMapping }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function readProxyMapping(json: JsonValue): ProxyMappingReading {
  const problems: Problem[] = [];
  if (!isObject(json)) {
    return { ok: false, problems: [{ at: "", message: "must be an object" }] };
  }
  checkMembers(json, ["proxy", "request", "supported_obligations"], "", problems);
  const proxy = PROXIES.find((name) => name === json.proxy);
  if (proxy === undefined) {
    report(problems, "/proxy", `must be one of ${PROXIES.join(", ")}`);
  }
  const understood = readWords(
    json.supported_obligations ?? [],
    "/supported_obligations",
    problems,
  );
  const request = readTemplate(json.request, ["http"], "/request", problems);
  if (problems.length > 0 || proxy === undefined || request === undefined) {
    return { ok: false, problems };
  }
  return { ok: true, mapping: { proxy, request, understood: new Set(understood) } };
}

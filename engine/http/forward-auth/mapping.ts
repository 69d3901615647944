/** How what a proxy was asked becomes a request of ours (SPEC §12.12): the operator's file. */
import type { Json } from "../../../lang/type.ts";
import type { JsonValue } from "../../json.ts";
import { checkTemplate, TemplateFault } from "../../template.ts";
import { isObject, type Problem, report, wrong } from "../../value-reader.ts";
import { checkMembers } from "../members.ts";

/** Each says in its own way what was asked of it, and no other way is believed. */
export const PROXIES = ["nginx", "traefik", "envoy"] as const;
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
  const words = json.supported_obligations ?? [];
  const isWords = Array.isArray(words) && words.every((word) => typeof word === "string");
  if (!isWords) report(problems, "/supported_obligations", "must be a list of texts");
  checkRequest(json.request, problems);
  if (problems.length > 0 || proxy === undefined || !isWords) return { ok: false, problems };
  return {
    ok: true,
    mapping: { proxy, request: json.request as Json, understood: new Set(words) },
  };
}

function checkRequest(json: unknown, problems: Problem[]): void {
  if (!isObject(json)) {
    wrong(problems, "/request", "an object", json);
    return;
  }
  try {
    checkTemplate(json as Json, ["http"]);
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    report(problems, "/request", `is no template: ${error.message}`);
  }
}

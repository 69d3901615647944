import { OBLIGATION_TYPES } from "./answer.ts";
import type { Mapping } from "./mapping.ts";

export const EVALUATION = "/access/v1/evaluation";
export const EVALUATIONS = "/access/v1/evaluations";
export const SEARCH = "/access/v1/search";

/** Where metadata stands (Authorization API 1.0, §9.2): the well-known part goes before the path of a tenant. */
export function metadataPath(baseUrl: URL): string {
  return `/.well-known/authzen-configuration${pathOf(baseUrl)}`;
}

/** `""`, or `/tenant1`. */
export function pathOf({ pathname }: URL): string {
  return pathname.replace(/\/$/, "");
}

/** What is not listed is not served. */
export function metadataOf({ baseUrl, directory, accessRequestEndpoint }: Mapping) {
  const base = baseUrl === undefined ? "" : `${baseUrl.origin}${pathOf(baseUrl)}`;
  return {
    policy_decision_point: base,
    access_evaluation_endpoint: base + EVALUATION,
    access_evaluations_endpoint: base + EVALUATIONS,
    ...(directory === undefined
      ? {}
      : {
          search_subject_endpoint: `${base}${SEARCH}/subject`,
          search_resource_endpoint: `${base}${SEARCH}/resource`,
          search_action_endpoint: `${base}${SEARCH}/action`,
        }),
    ...(accessRequestEndpoint === undefined
      ? {}
      : {
          access_request_endpoint: accessRequestEndpoint,
          capabilities: ["urn:openid:authzen:capability:access-request"],
        }),
    supported_obligations: OBLIGATION_TYPES,
  };
}

import { OBLIGATION_TYPES } from "./answer.ts";
import type { Mapping } from "./mapping.ts";

export const EVALUATION = "/access/v1/evaluation";
export const EVALUATIONS = "/access/v1/evaluations";
export const SEARCH = "/access/v1/search";
export const REQUESTS = "/access/v1/requests";
export const JWKS = "/access/v1/jwks";

/** Where metadata stands (Authorization API 1.0, §9.2): the well-known part goes before the path of a tenant. */
export function metadataPath(baseUrl: URL): string {
  return `/.well-known/authzen-configuration${pathOf(baseUrl)}`;
}

/** `""`, or `/tenant1`. */
export function pathOf({ pathname }: URL): string {
  return pathname.replace(/\/$/, "");
}

/** The URL of the service as metadata has it, without a slash at its end. */
export function baseOf({ baseUrl }: Pick<Mapping, "baseUrl">): string {
  return baseUrl === undefined ? "" : `${baseUrl.origin}${pathOf(baseUrl)}`;
}

/** What is not listed is not served. */
export function metadataOf(mapping: Mapping) {
  const { directory, access } = mapping;
  const base = baseOf(mapping);
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
    ...(access === undefined
      ? {}
      : {
          access_request_endpoint: base + REQUESTS,
          jwks_uri: base + JWKS,
          capabilities: ["urn:openid:authzen:capability:access-request"],
        }),
    supported_obligations: OBLIGATION_TYPES,
  };
}

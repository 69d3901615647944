/** How enforcement points that speak something else reach the one decision. */
import { resolve } from "node:path";
import type { AccessRequestsParts } from "../../engine/access/access-requests.ts";
import {
  type DataApiParts,
  type DecisionService,
  readMapping,
  readProxyMapping,
  type ServerParts,
  serveAuthzen,
  serveDataApi,
  serveForwardAuth,
} from "../../engine/http/index.ts";
import type { JsonValue } from "../../engine/json.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { strictJson } from "../documents.ts";
import { readBytes } from "../files.ts";
import { readAccess } from "./access.ts";

export const DOORS_OPTIONS: readonly Option[] = [
  {
    name: "authzen",
    value: "MAPPING",
    help: "answer AuthZEN requests, made into requests as the file MAPPING says",
  },
  {
    name: "forward-auth",
    value: "MAPPING",
    help: "decide what nginx, Traefik or Envoy were asked for, as the file MAPPING says",
  },
  { name: "opa", help: "answer clients of OPA's Data API" },
  { name: "docs", help: "show what is served in a browser, at /docs" },
];

export interface Doors {
  /** Names under which the service is found through them. */
  readonly allowedHosts: readonly string[];
  readonly docs: boolean;
  /** Puts them in front of `service`. */
  open(
    service: DecisionService,
    documents: Pick<DataApiParts, "packageName" | "isRego">,
    kept: AccessRequestsParts,
  ): NonNullable<ServerParts["extend"]>;
}

export function readDoors(input: Input, io: Io): Doors {
  const { values, flags } = input;
  const { cwd } = io;
  const authzen = mappingIn(values.get("authzen"), cwd, readMapping, "§12.9");
  const proxied = mappingIn(values.get("forward-auth"), cwd, readProxyMapping, "§12.12");
  const openAccess = authzen && readAccess(authzen, input, io);
  const host = authzen?.baseUrl?.hostname;
  return {
    allowedHosts: host === undefined ? [] : [host],
    docs: flags.has("docs"),
    open: (service, documents, kept) => (app) => {
      const access = openAccess?.(kept);
      if (authzen !== undefined) serveAuthzen(app, { service, mapping: authzen, access });
      if (proxied !== undefined) serveForwardAuth(app, { service, mapping: proxied });
      if (flags.has("opa")) serveDataApi(app, { service, ...documents });
    },
  };
}

/** Of an operator's file, which may list everybody there is. */
const FILE_LIMITS = {
  byteCount: 16 * 1024 * 1024,
  depth: 32,
  memberCount: 100_000,
  valueCount: 1_000_000,
};

interface Reading<Read> {
  readonly mapping?: Read;
  readonly problems?: readonly { readonly at: string; readonly message: string }[];
}

function mappingIn<Read>(
  path: string | undefined,
  cwd: string,
  read: (json: JsonValue) => Reading<Read>,
  section: string,
): Read | undefined {
  if (path === undefined) return undefined;
  const { mapping, problems = [] } = read(readFile(path, cwd));
  if (mapping !== undefined) return mapping;
  const [first] = problems;
  throw new Misuse(
    `${JSON.stringify(path)} is no mapping: ${first?.at || "it"} ${first?.message}`,
    `see SPEC ${section}`,
  );
}

function readFile(path: string, cwd: string): JsonValue {
  const bytes = readBytes(resolve(cwd, path), FILE_LIMITS.byteCount);
  return strictJson(bytes, JSON.stringify(path), FILE_LIMITS);
}

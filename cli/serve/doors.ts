/** How enforcement points that speak something else reach the one decision. */
import { resolve } from "node:path";
import {
  type DecisionService,
  type Mapping,
  readMapping,
  type ServerParts,
  serveAuthzen,
} from "../../engine/http/index.ts";
import { type JsonValue, readJson } from "../../engine/json.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { readBytes } from "../files.ts";

export const DOORS_OPTIONS: readonly Option[] = [
  {
    name: "authzen",
    value: "MAPPING",
    help: "answer AuthZEN requests, made into requests as the file MAPPING says",
  },
];

export interface Doors {
  /** Names under which the service is found through them. */
  readonly allowedHosts: readonly string[];
  /** Puts them in front of `service`. */
  open(service: DecisionService): NonNullable<ServerParts["extend"]>;
}

export function readDoors({ values }: Input, { cwd }: Io): Doors {
  const authzen = authzenMapping(values.get("authzen"), cwd);
  const host = authzen?.baseUrl?.hostname;
  return {
    allowedHosts: host === undefined ? [] : [host],
    open: (service) => (app) => {
      if (authzen !== undefined) serveAuthzen(app, { service, mapping: authzen });
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

function authzenMapping(path: string | undefined, cwd: string): Mapping | undefined {
  if (path === undefined) return undefined;
  const reading = readMapping(readFile(path, cwd));
  if (reading.ok) return reading.mapping;
  const [first] = reading.problems;
  throw new Misuse(
    `${JSON.stringify(path)} is no mapping: ${first?.at || "it"} ${first?.message}`,
    "see SPEC §12.9",
  );
}

function readFile(path: string, cwd: string): JsonValue {
  const reading = readJson(readBytes(resolve(cwd, path), FILE_LIMITS.byteCount), FILE_LIMITS);
  if (reading.ok) return reading.value;
  const { message, at } = reading.fault;
  throw new Misuse(`${JSON.stringify(path)} is not JSON: ${message} (at byte ${at.offset})`);
}

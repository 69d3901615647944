/** The workload as Cerbos has it: a resource policy for each kind, groups as roles, conditions in CEL. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BenchRequest, BenchRule, Condition, Workload } from "../workload.ts";

/** A release from npm, 100 MB: fetched when first needed, and no dependency. */
const PACKAGE = "@cerbos/cerbos-linux-x64@0.55.0";

/** `undefined` where it cannot be had; says why. */
export function cerbosBinary(cache: string): string | undefined {
  const folder = join(cache, "cerbos");
  const binary = join(folder, "package", "cerbos-linux-x64");
  if (existsSync(binary)) return binary;
  try {
    mkdirSync(folder, { recursive: true });
    const packed = execFileSync("npm", ["pack", PACKAGE, "--silent"], { cwd: folder });
    const file = packed.toString().trim().split("\n").at(-1) ?? "";
    execFileSync("tar", ["xzf", file], { cwd: folder });
    return binary;
  } catch (error) {
    console.error(`Cerbos is not measured: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** By path. YAML reads JSON. `isLogged`: each decision is written to its audit log, a file. */
export function cerbosFiles(
  { rules, resources }: Workload,
  port: number,
  isLogged: boolean,
): Map<string, string> {
  const files = new Map<string, string>();
  const config = {
    server: { httpListenAddr: `127.0.0.1:${port}`, grpcListenAddr: `127.0.0.1:${port + 1}` },
    storage: { driver: "disk", disk: { directory: "policies", watchForChanges: false } },
    telemetry: { disabled: true },
    audit: {
      enabled: isLogged,
      accessLogsEnabled: false,
      decisionLogsEnabled: isLogged,
      backend: "file",
      file: { path: "audit.log" },
    },
  };
  files.set("config.yaml", JSON.stringify(config));
  for (const kind of resources) {
    const own = rules.filter(({ resource }) => resource === undefined || resource === kind);
    const policy = { version: "default", resource: kind, rules: own.map(spellRule) };
    const document = { apiVersion: "api.cerbos.dev/v1", resourcePolicy: policy };
    files.set(`policies/${kind}.yaml`, JSON.stringify(document));
  }
  return files;
}

function spellRule({ name, effect, group = "*", tools = ["*"], when }: BenchRule): object {
  return {
    name: name.replaceAll("_", "-"),
    actions: tools,
    effect: effect === "permit" ? "EFFECT_ALLOW" : "EFFECT_DENY",
    roles: [group],
    condition: { match: { all: { of: when.map((one) => ({ expr: spellCondition(one) })) } } },
  };
}

function spellCondition(condition: Condition): string {
  if (condition.read === "clearance") return "R.attr.sensitivity <= P.attr.clearance";
  const { read, op, value } = condition;
  return `${read === "sensitivity" ? "R" : "P"}.attr.${read} ${op} ${value}.0`;
}

export function cerbosRequest({ agent, tool, resource, ...request }: BenchRequest): object {
  const { type, id, sensitivity } = resource;
  const { depth, amount = 0, calls } = request;
  return {
    principal: {
      id: agent.id,
      roles: agent.groups,
      attr: { clearance: agent.clearance, depth, amount, calls },
    },
    resources: [{ actions: [tool], resource: { kind: type, id, attr: { sensitivity } } }],
  };
}

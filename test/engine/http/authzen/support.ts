import type { FastifyInstance } from "fastify";
import { readMapping, serveAuthzen } from "../../../../engine/http/authzen/index.ts";
import type { DecisionService } from "../../../../engine/http/index.ts";
import type { JsonValue } from "../../../../engine/json.ts";
import { serve } from "../support.ts";
import { MAPPING, recordsEngine } from "./records.ts";

/** AuthZEN in front of a service, under a mapping that must be right. */
export function serveMapped(
  mapping: unknown = MAPPING,
  service: DecisionService = recordsEngine(),
): FastifyInstance {
  const reading = readMapping(JSON.parse(JSON.stringify(mapping)) as JsonValue);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const clock = () => Date.parse("2026-01-02T09:00:00Z");
  return serve(service, {
    allowedHosts: ["pdp.example"],
    extend: (app) => serveAuthzen(app, { service, mapping: reading.mapping, clock }),
  });
}

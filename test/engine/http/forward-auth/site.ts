/** A site behind a proxy: who may read and change its pages. */

import {
  type DecisionService,
  readProxyMapping,
  serveForwardAuth,
} from "../../../../engine/http/index.ts";
import { createEngine, type Engine } from "../../../../engine/index.ts";
import type { JsonValue } from "../../../../engine/json.ts";
import { programOf } from "../../../support/engine.ts";
import { serve } from "../support.ts";

export const SITE = `package site

tool read_page { effect read, args { path: Path } }
tool change_page { effect write, args { path: Path } }

permit readers tool read_page
  agent in group "crew"
  when args.path within "/pages"

permit writers tool change_page
  agent in group "crew"
  when args.path within "/pages/drafts"

hold release tool change_page
  when args.path.name == "index.html"
  until approved by group "editors"

oblige traced tool change_page
  with log full
`;

export const PAGES = {
  proxy: "nginx",
  supported_obligations: ["log"],
  request: {
    agent: {
      id: { $from: "http", path: "/headers/x-agent" },
      groups: [{ $from: "http", path: "/headers/x-agent-group" }],
    },
    tool: {
      name: {
        $from: "http",
        path: "/method",
        map: { GET: "read_page", HEAD: "read_page", PUT: "change_page", DELETE: "change_page" },
      },
      args: { path: { $from: "http", path: "/path" } },
    },
  },
};

export const siteEngine = (): Engine =>
  createEngine({ program: programOf(SITE), digest: "sha256:00" });

export function serveProxied(mapping: object = PAGES, service: DecisionService = siteEngine()) {
  const reading = readProxyMapping(JSON.parse(JSON.stringify(mapping)) as JsonValue);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return serve(service, {
    extend: (app) => serveForwardAuth(app, { service, mapping: reading.mapping }),
  });
}

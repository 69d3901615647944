import type { FastifyInstance } from "fastify";
import { Approvals } from "../../../../engine/approvals/approvals.ts";
import { NO_APPROVERS } from "../../../../engine/approvals/approvers.ts";
import type { AdminEvent, AdminParts, Guard } from "../../../../engine/http/admin/admin.ts";
import { createCredential } from "../../../../engine/http/admin/credential.ts";
import { createAdminServer } from "../../../../engine/http/admin/server.ts";
import { measured } from "../../../../engine/http/measured.ts";
import { MemoryLedger } from "../../../../engine/ledger/memory.ts";
import { Revocations } from "../../../../engine/revocations/revocations.ts";
import { Tasks } from "../../../../engine/tasks/tasks.ts";
import { type Driver, drive } from "../../../support/engine.ts";

export const POLICY = `
level Sensitivity = public < internal < secret
label private
tool look { effect read, yields private }
tool pay { effect write, args { amount: Decimal } }
tool boom { effect execute }
counter calls = count attempts per session within 10s
counter spend = sum args.amount of allowed pay per principal within 24h
counter tools = count attempts per session, tool
latch looked = completed look per session
permit looking tool look when calls < 20
permit paying tool pay when spend + args.amount <= 500.00
forbid ending tool boom then interrupt session because "it does not end well"
task errand { sequence look+, pay?  limit calls <= 5, duration <= 15m }
`;

export const TOKEN = "q0Jmv5Bw1nXsTe8kLr2YdHc4PzUoGi7aFb9EWMtNxKQ";

export function credentialGuard(): Guard {
  const credential = createCredential(TOKEN);
  if (!credential.ok) throw new Error(credential.why);
  return { kind: "credential", credential: credential.value };
}

export interface Administered {
  readonly app: FastifyInstance;
  readonly driver: Driver;
  readonly events: AdminEvent[];
  /** A call in a session, through the service that is measured. */
  call(session: string, tool: string, args?: object, more?: object): Promise<void>;
}

export function administered(parts: Partial<AdminParts> = {}): Administered {
  const driver = drive(POLICY);
  const { service, measures } = measured(driver.engine);
  const events: AdminEvent[] = [];
  const ledger = new MemoryLedger();
  const app = createAdminServer({
    engine: () => driver.engine,
    service,
    measures,
    approvals: new Approvals({
      ledger,
      approvers: NO_APPROVERS,
      now: () => driver.nowMs,
      earliest: () => driver.nowMs,
    }),
    revocations: new Revocations({ ledger, now: () => driver.nowMs }),
    tasks: new Tasks({ ledger, now: () => driver.nowMs, isRevoked: () => undefined }),
    guard: { kind: "socket" },
    onAdmin: (event) => void events.push(event),
    clock: () => driver.nowMs,
    ...parts,
  });
  return {
    app,
    driver,
    events,
    call: async (session, tool, args = {}, more = {}) => {
      const request = {
        agent: { id: "bot" },
        principal: { id: "alice" },
        session: { id: session },
        tool: { name: tool, args },
        ...more,
      };
      await service.decide(request);
    },
  };
}

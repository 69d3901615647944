/** Security events that transmitters push: whose they are is said in the identity configuration. */
import { latestOf } from "../../engine/clock.ts";
import { type ServerParts, serveEvents, type Vitals } from "../../engine/http/index.ts";
import { openTransmitters } from "../../engine/identity/open.ts";
import { createReceiver } from "../../engine/signals/receive.ts";
import type { Input, Io } from "../command.ts";
import type { ServedAudit } from "./audit.ts";
import type { ServedGrants } from "./grants.ts";
import { openSigners, readIdentityFile } from "./identity.ts";
import type { OpenState } from "./state.ts";

interface SignalsOpening {
  readonly grants: Pick<ServedGrants, "revocations" | "kept">;
  readonly audit: Pick<ServedAudit, "operator">;
  readonly state: Pick<OpenState, "clock">;
}

export interface ServedSignals {
  readonly vitals: Pick<Vitals, "events">;
  readonly open: NonNullable<ServerParts["extend"]>;
}

/** Where nobody is configured to send any, nothing is served. */
export async function openSignals(
  { grants, audit, state }: SignalsOpening,
  { values }: Input,
  io: Io,
): Promise<ServedSignals> {
  const path = values.get("identity");
  const configs = path === undefined ? [] : readIdentityFile(path, io).transmitters;
  if (path === undefined || configs.length === 0) return { vitals: {}, open: () => {} };
  const transmitters = await openSigners(path, configs, openTransmitters, io);
  const receiver = createReceiver({
    transmitters,
    revocations: grants.revocations,
    ledger: grants.kept.ledger,
    now: latestOf(state.clock),
    record: audit.operator,
    onNotice: (notice) => io.err(`${notice}\n`),
  });
  return {
    vitals: { events: receiver.counts },
    open: (app) => serveEvents(app, receiver),
  };
}

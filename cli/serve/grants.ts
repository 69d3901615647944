/** Who approves what is held, and where approvals, tasks and revocations are kept. */
import { dirname, join, relative, resolve } from "node:path";
import type { AccessRequestsParts } from "../../engine/access/access-requests.ts";
import { Approvals } from "../../engine/approvals/approvals.ts";
import { type Approvers, NO_APPROVERS, readApprovers } from "../../engine/approvals/approvers.ts";
import { approving } from "../../engine/approvals/approving.ts";
import { earliestOf, latestOf } from "../../engine/clock.ts";
import type { AdminParts, DecisionService } from "../../engine/http/index.ts";
import { usedOnce } from "../../engine/identity/once.ts";
import type { Ledger } from "../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../engine/ledger/memory.ts";
import { openSqliteLedger } from "../../engine/ledger/sqlite.ts";
import { revocable } from "../../engine/revocations/revocable.ts";
import { Revocations } from "../../engine/revocations/revocations.ts";
import { readVerifyingKey } from "../../engine/signing-key.ts";
import { StateFileRefused } from "../../engine/state/sqlite/database.ts";
import { Tasks } from "../../engine/tasks/tasks.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { readText } from "../files.ts";
import { readSettingsFile } from "../settings-file.ts";
import { openHome } from "./home.ts";
import type { OpenState } from "./state.ts";

export const GRANT_OPTIONS: readonly Option[] = [
  {
    name: "approvers",
    value: "FILE",
    help: "who may approve what is held, with their keys (docs/delegation.md)",
  },
];

export interface ServedGrants {
  readonly revocations: Revocations;
  /** For the operators' server. */
  readonly admin: Pick<AdminParts, "approvals" | "revocations" | "tasks">;
  /** Beside approvals, who asked for them. */
  readonly kept: Pick<AccessRequestsParts, "approvals" | "ledger">;
  around(service: DecisionService, policy: () => string | undefined): DecisionService;
  close(): void;
}

export async function openGrants(
  state: Pick<OpenState, "clock" | "ledger">,
  input: Input,
  io: Io,
): Promise<ServedGrants> {
  const approvers = approversFor(input.values.get("approvers"), io);
  const ledger = (await state.ledger?.()) ?? openLedger(input.values.get("state"), io);
  const now = latestOf(state.clock);
  const earliest = earliestOf(state.clock);
  const revocations = new Revocations({ ledger, now });
  const isRevoked = revocations.reachesApproval.bind(revocations);
  const tasks = new Tasks({ ledger, now, isRevoked: revocations.revoked.bind(revocations) });
  const approvals = new Approvals({ ledger, approvers, now, earliest, isRevoked });
  const onFault = (fault: unknown) =>
    io.err(`fault in grants: ${fault instanceof Error ? fault.message : fault}\n`);
  return {
    revocations,
    admin: { approvals, revocations, tasks },
    kept: { approvals, ledger },
    around: (service, policy) =>
      approving(usedOnce(revocable(service, revocations), { ledger, now, onFault }), {
        approvals,
        policy,
        onFault,
      }),
    close: () => ledger.close(),
  };
}

const LEDGER_FILE = "ledger.db";

/** Beside the state: what one forgets, the other need not remember. */
function openLedger(state: string | undefined, io: Io): Ledger {
  if (state === "memory") return new MemoryLedger();
  const path =
    state === undefined
      ? join(openHome(io.cwd), LEDGER_FILE)
      : `${resolve(io.cwd, state)}-${LEDGER_FILE}`;
  try {
    return openSqliteLedger(path);
  } catch (fault) {
    if (fault instanceof StateFileRefused) {
      throw new Misuse(fault.message.replace(path, relative(io.cwd, path)), fault.help);
    }
    throw fault;
  }
}

const KEY_BYTES_MAX = 16 * 1024;

function approversFor(path: string | undefined, io: Io): Approvers {
  if (path === undefined) return NO_APPROVERS;
  const full = resolve(io.cwd, path);
  const read = readApprovers(readSettingsFile(full, path), (key) =>
    readVerifyingKey(readText(resolve(dirname(full), key), KEY_BYTES_MAX)),
  );
  if (read.ok) return read.approvers;
  const said = read.problems.map(({ at, message }) => `\n  ${at || "it"} ${message}`).join("");
  throw new Misuse(`${path} is no list of approvers:${said}`, "see docs/delegation.md");
}

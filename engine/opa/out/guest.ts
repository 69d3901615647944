/**
 * What runs inside an emitted module, in QuickJS: OPA's input and data in, a decision out. The same reader, the
 * same evaluator and the same combining as everywhere; only what is remembered comes from the host's document.
 */
import type { Program } from "../../../lang/ir.ts";
import { requestDigest } from "../../canonical-json.ts";
import { decide, deny, invalid } from "../../decide.ts";
import type { Decision, DenyCode } from "../../decision.ts";
import { generateEvaluator } from "../../evaluate/javascript.ts";
import { messageOf } from "../../fault.ts";
import { type Policy, preparePolicy } from "../../policy.ts";
import { createRequestReader, type RequestReader } from "../../request-reader.ts";
import { readDocument } from "./document.ts";

/** What `emit.ts` puts into a module, in JSON. */
export interface PolicyInModule {
  readonly program: Program;
  readonly digest: string;
  readonly revision?: string;
}

interface Guest {
  load?(policy: string): void;
  /**
   * Entrypoint 0 is the decision, 1 whether it is an allow with nothing else to do. Asked without the time (OPA's
   * `time.now_ns`, as JSON text), it gives nothing where it needs that.
   */
  decide?(entrypoint: number, input: string, data: string, nowNs?: string): string | undefined;
}

const guest = globalThis as Guest;

interface Loaded {
  readonly policy: Policy;
  readonly read: RequestReader;
}

let loaded: Loaded | undefined;

guest.load = (text) => {
  const { program, ...identity } = JSON.parse(text) as PolicyInModule;
  const policy = preparePolicy(program, identity, generateEvaluator(program));
  loaded = { policy, read: createRequestReader(program) };
};

guest.decide = (entrypoint, input, data, nowNs) => {
  if (loaded === undefined) throw new Error("no policy was loaded");
  const answered = answer(loaded, input, data, nowNs);
  if (answered === undefined) return undefined;
  const { id: _id, call: _call, ...decision } = answered as Decision & { readonly call?: string };
  if (entrypoint === 0) return JSON.stringify([{ result: decision }]);
  // An obligation that nobody is told of would be an allow that the policy does not give.
  const allowed = decision.decision === "allow" && decision.obligations.length === 0;
  return JSON.stringify([{ result: allowed }]);
};

function answer(
  { policy, read }: Loaded,
  inputText: string,
  dataText: string,
  nowNs: string | undefined,
): Decision | undefined {
  const refused = (code: DenyCode, because: string) => deny(policy, "", code, because);
  if (inputText === "") return refused("invalid_request", "there is no input");
  const input: unknown = JSON.parse(inputText);
  let state: ReturnType<typeof readDocument>;
  try {
    state = readDocument(stateIn(JSON.parse(dataText)), policy.program);
  } catch (fault) {
    return refused("state_unavailable", messageOf(fault));
  }
  if (state.nowMs === undefined && nowNs === undefined) return undefined;
  const nowMs = state.nowMs ?? Math.floor(Number(nowNs) / 1e6);
  if (!(nowMs > 0)) return refused("state_unavailable", "the host gives no time");
  let unknownSession: string | undefined;
  const session = (id: string) => {
    try {
      return state.session(id);
    } catch (fault) {
      unknownSession = messageOf(fault);
      return undefined;
    }
  };
  const reading = read(input, { nowMs, session });
  if (!reading.ok) return invalid("", reading.problems, policy);
  // Whether a session was interrupted is known from the document or not at all.
  if (unknownSession !== undefined) return refused("state_unavailable", unknownSession);
  if (reading.request.roots.intent.task !== undefined) {
    return refused("state_unavailable", "an emitted module does not follow tasks");
  }
  return decide(policy, reading, state.view(nowMs), {
    id: "",
    call: "",
    approvals: [],
    digest: () => requestDigest(input, policy.identity.digest),
  }).decision;
}

function stateIn(data: unknown): unknown {
  const writ = typeof data === "object" && data !== null ? Reflect.get(data, "writ") : undefined;
  return typeof writ === "object" && writ !== null ? Reflect.get(writ, "state") : undefined;
}

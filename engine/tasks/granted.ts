/** Around an engine: what is called under the grant of a task is a call of it, while the task goes on (SPEC §16.3). */
import type { Vouched } from "../engine.ts";
import { askedAhead, type DecisionService, leftTo } from "../http/service.ts";
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import type { RestingIdentity } from "../identity/identity.ts";
import type { AcceptedDelegation } from "../identity/vouched.ts";
import { isObject } from "../value-reader.ts";
import { continuing } from "./continuing.ts";
import { joinedTo, type KeptTask, refusalOf, TASK_UNKNOWN } from "./task.ts";
import type { Tasks } from "./tasks.ts";
import { CONTINUE_TOOL, START_TOOL } from "./terms.ts";

export interface GrantedParts {
  readonly tasks: Tasks;
  /** Ends a task that the policy allows no more, and sees to it that this is recorded. */
  readonly end: (id: string, because: string) => Promise<void>;
  /** Of what tokens were that are not shown again; missing where none were ever accepted. */
  readonly identity: Pick<RestingIdentity, "restRefusal"> | undefined;
  /** Told of every fault that became a denial. */
  readonly onFault: (fault: unknown) => void;
}

/** Where no grant is shown nothing waits, and nothing is added. */
export function granted(service: DecisionService, parts: GrantedParts): DecisionService {
  const { preview, foresee, ...ahead } = askedAhead(service);
  return {
    ...ahead,
    decide: underGrant(service.decide.bind(service), service, parts, true),
    ...leftTo(service),
    ...(preview && { preview: underGrant(preview, service, parts, false) }),
    ...(foresee && { foresee: underGrant(foresee, service, parts, false) }),
  };
}

type Ask<Result> = (input: unknown, vouched?: Vouched) => Result | Promise<Result>;

/** A question asked ahead ends nothing. */
function underGrant<Result>(
  ask: Ask<Result>,
  service: DecisionService,
  parts: GrantedParts,
  mayEnd: boolean,
): Ask<Result> {
  return (input, vouched) => {
    const shown = grantIn(vouched);
    if (shown === undefined) return ask(input, vouched);
    return told(shown, input, service, parts, mayEnd).then((said) => {
      // Others may have ended it while the policy was asked.
      const late = said.refused ?? standing(shown, parts);
      return ask(input, { ...vouched, ...said, ...(late === undefined ? {} : { refused: late }) });
    });
  };
}

/** Whatever was refused of it already, needs no more of it. */
function grantIn(vouched: Vouched | undefined): AcceptedDelegation | undefined {
  const { delegation, refused } = vouched ?? {};
  if (delegation?.ok !== true || delegation.task === undefined) return undefined;
  return refused === undefined ? delegation : undefined;
}

type Said = Pick<Vouched, "delegation" | "refused">;

async function told(
  shown: AcceptedDelegation,
  input: unknown,
  service: DecisionService,
  parts: GrantedParts,
  mayEnd: boolean,
): Promise<Said> {
  try {
    const task = await parts.tasks.lookUp(shown.task?.id ?? "");
    const refused = standing(shown, parts) ?? refusalOfTool(input);
    if (task === undefined || refused !== undefined) return { refused: refused ?? TASK_UNKNOWN };
    const lapsed = await parts.identity?.restRefusal(task.rests);
    if (lapsed !== undefined) return { refused: lapsed };
    const delegation = joined(task, shown);
    const stopped = await stoppedBy(task, input, service, parts, mayEnd);
    return stopped === undefined ? { delegation } : { delegation, refused: stopped };
  } catch (fault) {
    parts.onFault(fault);
    return { refused: FAILED };
  }
}

const FAILED: DelegationRefusal = {
  ok: false,
  code: "internal_error",
  why: "whether the task goes on could not be told",
};

function standing(shown: AcceptedDelegation, { tasks }: GrantedParts) {
  const [grant] = shown.tokens;
  const task = tasks.find(shown.task?.id ?? "");
  return refusalOf(task, grant?.digest, tasks.now(), tasks.isRevoked);
}

/** Whoever holds a grant of one task starts no other with it. */
function refusalOfTool(input: unknown): DelegationRefusal | undefined {
  const tool = isObject(input) ? input.tool : undefined;
  const name = isObject(tool) ? tool.name : undefined;
  if (name !== START_TOOL && name !== CONTINUE_TOOL) return undefined;
  return refuseDelegation("task_mismatch", "a task starts no task");
}

/** One object for one chain and one task: reading a chain anew costs more than deciding. */
const JOINED = new WeakMap<AcceptedDelegation, { task: KeptTask; made: AcceptedDelegation }>();

function joined(task: KeptTask, shown: AcceptedDelegation): AcceptedDelegation {
  const known = JOINED.get(shown);
  if (known?.task === task) return known.made;
  const made = joinedTo(task, shown);
  JOINED.set(shown, { task, made });
  return made;
}

async function stoppedBy(
  task: KeptTask,
  input: unknown,
  service: DecisionService,
  { end }: GrantedParts,
  mayEnd: boolean,
): Promise<DelegationRefusal | undefined> {
  const said = await continuing(task, isObject(input) ? input.agent : undefined, service);
  switch (said.kind) {
    case "allowed":
      return undefined;
    case "undecided":
      return { ok: false, code: "state_unavailable", why: said.because };
    case "refused":
      if (mayEnd) await end(task.id, said.because);
      return { ok: false, code: "revoked", why: `the task may not go on: ${said.because}` };
  }
}

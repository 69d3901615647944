/**
 * Whether a task may go on (SPEC §16.4): the policy in force is asked, with what was granted and the agent as it
 * shows itself now. A task that it refuses is over, whatever the agent shows later.
 */
import type { Answer } from "../answer.ts";
import type { Decision, DenyCode } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import type { DecisionService } from "../http/service.ts";
import { isObject } from "../value-reader.ts";
import type { KeptTask } from "./task.ts";
import { CONTINUE_TOOL } from "./terms.ts";

export type Continuing =
  | { readonly kind: "allowed" }
  /** By rules, for good. */
  | { readonly kind: "refused"; readonly because: string }
  /** It could not be told: nothing is called, and nothing is ended. */
  | { readonly kind: "undecided"; readonly because: string };

/** What the policy says; all else that keeps a call from being allowed may be otherwise in a moment. */
const FOR_GOOD: ReadonlySet<DenyCode> = new Set(["forbidden", "not_permitted", "invariant_broken"]);

/** `shown`: an agent as a request has it. What it does not say is as it was when the task was started. */
export async function continuing(
  task: KeptTask,
  shown: unknown,
  { preview }: DecisionService,
): Promise<Continuing> {
  if (preview === undefined) return undecided("this service cannot be asked ahead of a call");
  return read(await preview(questionOf(task, shown), vouchedIn(task)));
}

/** Tokens of single use were used, once, by the start itself. */
function vouchedIn({ vouched }: KeptTask): Vouched {
  if (vouched === undefined) return {};
  const tokens = vouched.tokens.map(({ once_until: _, ...token }) => token);
  return { delegation: { ...vouched, tokens } };
}

function questionOf({ request, args, agent }: KeptTask, shown: unknown): unknown {
  const before = isObject(request.agent) ? request.agent : {};
  const now = isObject(shown) && shown.id === agent ? shown : {};
  return { ...request, agent: { ...before, ...now }, tool: { name: CONTINUE_TOOL, args } };
}

function read(answer: Answer<Decision>): Continuing {
  if (answer.kind !== "answer") return undecided(`the answer was \`${answer.kind}\``);
  const { decision, code, because, reasons } = answer.value;
  if (decision === "allow") return { kind: "allowed" };
  if (code === undefined || !FOR_GOOD.has(code)) return undecided(`\`${code ?? decision}\``);
  const rules = reasons.map(({ rule }) => `\`${rule}\``).join(", ");
  return { kind: "refused", because: because ?? (rules === "" ? code : `${code} by ${rules}`) };
}

function undecided(why: string): Continuing {
  return { kind: "undecided", because: `whether the task may go on could not be decided: ${why}` };
}

/**
 * Starts tasks (SPEC §16.1): a decision of the policy in force about a tool of the service's own, made, counted,
 * recorded and held as any other, and a grant where it is allowed.
 */
import type { Program } from "../../lang/ir.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import type { Answer } from "../answer.ts";
import type { OperatorAction } from "../audit/record.ts";
import type { Decision, Refused } from "../decision.ts";
import type { DecisionService } from "../http/service.ts";
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import type { RestingIdentity } from "../identity/identity.ts";
import { issueLink } from "../identity/issue.ts";
import { digestOfToken } from "../identity/token.ts";
import type { VouchedHop } from "../identity/vouched.ts";
import type { SigningKey } from "../signing-key.ts";
import { isObject, type Problem } from "../value-reader.ts";
import { type Members, readAsk, type TaskAsk } from "./asking.ts";
import { type Holding, holdingOf, hopsOf, partyId } from "./holding.ts";
import type { KeptTask } from "./task.ts";
import type { Tasks } from "./tasks.ts";
import { argumentsOf, boundsJson, START_TOOL, type Terms, termsOf } from "./terms.ts";

/** Who signs grants: `spiffe://` and the trust domain. */
export interface Granter {
  readonly name: string;
  readonly key: SigningKey;
}

export interface StartParts {
  readonly granter: Granter;
  readonly tasks: Tasks;
  /** With all that stands around the engine, `concluding` among it: what is decided here is no other decision than any. */
  readonly service: DecisionService;
  readonly identity: Pick<RestingIdentity, "verify" | "restsOf">;
  /** In force now. */
  readonly policy: () => { readonly program: Program; readonly digest: string } | undefined;
  /** Resolves once it is recorded; missing = nothing is recorded. */
  readonly record?: ((action: OperatorAction) => Promise<void>) | undefined;
  readonly onFault: (fault: unknown) => void;
}

/** A decision, and the grant where it is allow. */
export interface Started extends Decision {
  readonly grant?: GrantView;
}

export interface GrantView {
  readonly id: string;
  /** The SPIFFE ID of this run of the task. */
  readonly identity: string;
  readonly token: string;
  readonly expires_at: string;
  readonly scope: readonly string[];
  readonly tools?: Members;
  readonly purpose?: string;
  readonly depth: number;
}

export async function startTask(input: unknown, parts: StartParts): Promise<Answer<Started>> {
  const problems: Problem[] = [];
  const ask = readAsk(input, problems);
  const held = ask && (await holdingOf(ask, parts.identity, problems));
  if (ask === undefined || held === undefined || problems.length > 0) {
    return { kind: "malformed", faults: problems };
  }
  const asked = askedOf(ask, held, parts);
  const refused = asked.ok ? held.refusal : (held.refusal ?? asked.refusal);
  if (refused !== undefined || !asked.ok) {
    const answer = await parts.service.decide(asked.request, refused && { refused });
    if (!isAllow(answer)) return answer;
    throw new Error("what was refused is allowed");
  }
  return startOn({ ask, held, asked }, parts);
}

function isAllow(
  answer: Answer<Decision>,
): answer is Extract<Answer<Decision>, { kind: "answer" }> {
  return answer.kind === "answer" && answer.value.decision === "allow";
}

type Asked = { readonly request: Members } & (
  | { readonly ok: true; readonly terms: Terms; readonly args: Members; readonly digest: string }
  | { readonly ok: false; readonly refusal: DelegationRefusal }
);

/** The request that is decided. Where no grant could be made on it, it is asked to be refused, and recorded so. */
function askedOf(ask: TaskAsk, held: Holding, { policy, tasks }: StartParts): Asked {
  const { request, task } = ask;
  const present = policy();
  const declared = present?.program.tasks.find(({ name }) => name === task);
  const intent = isObject(request.intent) ? request.intent : {};
  const rough = { ...request, tool: { name: START_TOOL, args: argumentsOf(ask, askedFor(ask)) } };
  // It names a task that is not declared: the policy does not know such a request.
  if (present === undefined || declared === undefined) {
    return { ok: false, request: rough, refusal: NOT_DECLARED };
  }
  const { task: _, ...more } = intent;
  const unnamed = { ...rough, intent: more };
  const hops = hopsOf(held);
  if (hops === undefined) return { ok: false, request: unnamed, refusal: NO_CHAIN };
  const made = termsOf(ask, declared, present.program, hops, tasks.now());
  if (!made.ok) return { ok: false, request: unnamed, refusal: made.refusal };
  const { terms } = made;
  const args = argumentsOf(ask, terms);
  const purpose = terms.purpose === undefined ? {} : { purpose: terms.purpose };
  const asking = { ...unnamed, intent: { ...more, ...purpose }, tool: { name: START_TOOL, args } };
  return { ok: true, request: asking, terms, args, digest: present.digest };
}

function askedFor({ grant: { scope = [], tools, depth } }: TaskAsk) {
  return { scope, depth, ...(tools === undefined ? {} : { tools }) };
}

/** The engine has its own words for both; these are for whatever decides and has none. */
const NOT_DECLARED = refuseDelegation("task_unknown", "the policy declares no such task");
const NO_CHAIN = refuseDelegation("chain_broken", "the chain cannot be read");

interface Granting {
  readonly ask: TaskAsk;
  readonly held: Holding;
  readonly asked: Extract<Asked, { ok: true }>;
}

/**
 * The grant counts once it is kept and recorded, and the allow with it; else nothing was started, what the call held is
 * given back, and a denial is answered and recorded.
 */
async function startOn(granting: Granting, parts: StartParts): Promise<Answer<Started>> {
  const { service, tasks } = parts;
  let grant: GrantView | undefined;
  const conclude = async (allowed: Decision): Promise<Refused | undefined> => {
    const made = await grantOn(allowed, granting, parts);
    if (typeof made === "string") return { code: "state_unavailable", because: made };
    grant = made;
    return undefined;
  };
  const answer = await service.decide(granting.asked.request, { conclude });
  if (isAllow(answer) && grant !== undefined) {
    const { call, ...decision } = answer.value;
    await Promise.resolve(service.outcome({ call, status: "ok" })).catch(parts.onFault);
    return { kind: "answer", value: { ...decision, grant } };
  }
  if (grant !== undefined) await tasks.end(grant.id, UNANSWERED);
  if (isAllow(answer)) throw new Error("a start is allowed, and nothing was granted");
  return answer;
}

const UNANSWERED = { by: "writ", because: "its start could not be answered" };

/** The grant, or why there is none. */
async function grantOn(
  allowed: Decision,
  granting: Granting,
  parts: StartParts,
): Promise<GrantView | string> {
  const { call: _, ...decision } = allowed;
  try {
    return whyNot(allowed, granting.asked) ?? (await kept(decision, granting, parts));
  } catch (fault) {
    parts.onFault(fault);
    return "the task could not be kept or recorded";
  }
}

/** Terms were made of a policy; an allow of another says nothing of them. */
function whyNot({ policy }: Decision, { digest }: Granting["asked"]): string | undefined {
  return policy.digest === digest ? undefined : "another policy is in force since: ask again";
}

/** The grant, or why there is none. */
async function kept(
  decision: Decision,
  granting: Granting,
  parts: StartParts,
): Promise<GrantView | string> {
  const { tasks, granter } = parts;
  const id = tasks.newId();
  const identity = `${granter.name}/task/${id}`;
  const token = tokenOf(id, identity, granting, granter);
  const task = taskOf(id, identity, token, decision, granting);
  if (JSON.stringify(task).length > TASK_CHARS_MOST) return "the request is too large to be kept";
  if ((await tasks.open(task)) !== "kept") return "there is no room to keep another task";
  await recorded(task, granting, parts);
  return grantView(task, token, granting.asked.terms);
}

/** Of the request and its chain, beside which a grant is small; 10,000 of them are kept. */
const TASK_CHARS_MOST = 32 * 1024;

function tokenOf(id: string, identity: string, { ask, held, asked }: Granting, granter: Granter) {
  const { terms } = asked;
  const link = {
    origin: { iss: granter.name },
    from: String(partyId(held.through[0]?.from)),
    to: ask.agent,
    scope: terms.scope,
    purpose: terms.purpose,
    ...(terms.tools === undefined ? {} : { tools: boundsJson(terms.tools) }),
    audience: [granter.name],
    issuedAtMs: terms.issuedAtMs,
    expiresAtMs: terms.expiresAtMs,
    depth: terms.depth,
    holder: { pem: ask.grant.key.key.export({ type: "spki", format: "pem" }).toString() },
    id,
    task: { id: identity, name: ask.task },
  };
  return issueLink(link, granter.key);
}

function taskOf(
  id: string,
  identity: string,
  token: string,
  { id: decision }: Decision,
  { ask, held, asked }: Granting,
): KeptTask {
  const { vouched, rests } = held;
  return {
    id,
    name: ask.task,
    identity,
    status: "active",
    agent: ask.agent,
    session: ask.session,
    startedAtMs: asked.terms.issuedAtMs,
    untilMs: asked.terms.expiresAtMs,
    digest: digestOfToken(token),
    decision,
    request: spared(asked.request),
    ...(vouched === undefined ? {} : { vouched }),
    rests,
    through: held.through.map(unaddressed),
    args: asked.args,
  };
}

/** For whom a hop was meant was checked; the grant is for this service. */
function unaddressed({ audience: _, ...hop }: VouchedHop): VouchedHop {
  const { from, to } = hop;
  return { ...hop, from: asParty(from), to: asParty(to) };
}

/** A hop may name somebody by an id alone. */
function asParty(party: unknown): VouchedHop["from"] {
  return (isObject(party) ? party : { id: party }) as unknown as VouchedHop["from"];
}

/** What may be asked of it again: no tokens, which are good for more, and no text that no rule reads. */
function spared({ delegation, intent, tool: _, ...request }: Members): Members {
  const { instruction: _text, reason: _reason, ...kept } = isObject(intent) ? intent : {};
  const chain = isObject(delegation) && Array.isArray(delegation.chain) ? delegation : undefined;
  return { ...request, intent: kept, ...(chain === undefined ? {} : { delegation: chain }) };
}

/** A task that nobody could account for is none. */
async function recorded(
  { id, name, agent, session, decision, untilMs }: KeptTask,
  { ask, asked }: Granting,
  { tasks, record }: StartParts,
): Promise<void> {
  const { scope, depth, tools } = asked.terms;
  const details = {
    task: id,
    name,
    session,
    decision,
    until: spellTime(untilMs),
    holder: ask.grant.key.thumbprint,
    scope,
    depth,
    ...(tools === undefined ? {} : { tools: [...tools.keys()] }),
  };
  try {
    await record?.({ action: "task.start", by: agent, details });
  } catch (fault) {
    await tasks.end(id, { by: "writ", because: "its start could not be recorded" });
    throw fault;
  }
}

function grantView(task: KeptTask, token: string, terms: Terms): GrantView {
  const { scope, purpose, tools, depth } = terms;
  return {
    id: task.id,
    identity: task.identity,
    token,
    expires_at: spellTime(task.untilMs),
    scope,
    ...(purpose === undefined ? {} : { purpose }),
    ...(tools === undefined ? {} : { tools: boundsJson(tools) }),
    depth,
  };
}

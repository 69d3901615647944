/**
 * `test` blocks (SPEC §9): each step becomes a request as it would stand on the wire, so that a test takes
 * the way every request takes. Its literals are checked against what is declared; a test that wants to see
 * bad input refused says `then deny by invalid_request`.
 */
import type * as ast from "./ast.ts";
import type { Surroundings } from "./context.ts";
import { anyLiteral, didYouMeanField, literal, refuseRepeated, withoutParens } from "./literal.ts";
import { rootFields } from "./roots.ts";
import { declared } from "./rules.ts";
import { stateContext } from "./state.ts";
import { didYouMean } from "./suggest.ts";
import type { Field, Json } from "./type.ts";

/** What `writ test` runs. */
export interface TestCase {
  readonly name: string;
  readonly package: string;
  /** Place of the name. */
  readonly at: number;
  /** RFC 3339; when the test begins. */
  readonly now?: string;
  readonly steps: readonly TestStep[];
}

export type TestStep =
  | {
      readonly kind: "decide";
      readonly at: number;
      readonly request: Json;
      /** The delegation counts as verified by the engine. */
      readonly verified: boolean;
      readonly approvedBy: readonly string[];
      readonly times: number;
      readonly expect?: Expectation;
    }
  | { readonly kind: "wait"; readonly at: number; readonly ms: number }
  | {
      readonly kind: "outcome";
      readonly at: number;
      readonly status: "ok" | "error" | "pending";
      readonly labels: readonly string[];
      readonly values?: Json;
    };

export interface Expectation {
  readonly at: number;
  readonly decision: "allow" | "deny" | "hold";
  readonly by: readonly string[];
  readonly interrupt: boolean;
  readonly with: readonly string[];
  readonly next: readonly string[];
}

type Wire = { [key: string]: Json };

/** What the `given`s so far say of every following call. */
interface Given {
  agent: Wire;
  principal?: Wire;
  delegation?: Json;
  verified: boolean;
  intent: Wire;
  resource?: Json;
  session: Wire;
  context?: Json;
  now?: string;
}

export function checkTest(item: ast.Test, packageName: string, around: Surroundings): TestCase {
  const given: Given = {
    agent: { id: "agent", kind: "autonomous" },
    verified: true,
    intent: {},
    session: { id: "test" },
  };
  const steps: TestStep[] = [];
  for (const step of item.steps) {
    const at = around.place(step.span);
    switch (step.kind) {
      case "when":
        steps.push(decideStep(step.call, 1, step.expect, given, around));
        break;
      case "repeat":
        if (step.times < 1 || step.times > 100_000)
          around.report("E211", step.span, "a call is repeated 1 to 100000 times");
        steps.push(decideStep(step.call, step.times, step.expect, given, around));
        break;
      case "wait":
        steps.push({ kind: "wait", at, ms: step.duration.ms });
        break;
      case "outcome":
        if (steps.at(-1)?.kind !== "decide")
          around.report("E227", step.span, "an outcome follows the call it is of");
        steps.push(outcomeStep(step, around));
        break;
      default:
        refuseLate(step, steps, around);
        give(step, given, around);
    }
  }
  // An outcome says that its call is allowed.
  const isTold = (step: TestStep) =>
    step.kind === "outcome" || (step.kind === "decide" && step.expect !== undefined);
  if (!steps.some(isTold)) {
    const help = "say behind a call what is decided, such as `then allow`";
    around.report(
      "W306",
      item.name.span,
      "this test expects nothing, and passes whatever is decided",
      help,
    );
  }
  const now = given.now === undefined ? {} : { now: given.now };
  return {
    name: item.name.text,
    package: packageName,
    at: around.place(item.name.span),
    ...now,
    steps,
  };
}

/** A test has one beginning: a later one would move the calls before it as well. */
function refuseLate(
  step: ast.GivenStep,
  before: readonly TestStep[],
  { report }: Surroundings,
): void {
  if (step.kind !== "givenFact" || step.of !== "now" || before.length === 0) return;
  const help = "put it before the first step; `wait 1h` moves the clock";
  report("E231", step.span, "`given now` says when a test begins, and this one has begun", help);
}

function give(step: ast.GivenStep, given: Given, around: Surroundings): void {
  switch (step.kind) {
    case "givenParty":
      givenParty(step, given, around);
      return;
    case "givenDelegation":
      givenDelegation(step, given, around);
      return;
    case "givenResource":
      given.resource = resourceOf(step, around);
      return;
    case "givenFact":
      givenFact(step, given, around);
  }
}

function givenParty(
  step: Extract<ast.GivenStep, { kind: "givenParty" }>,
  given: Given,
  around: Surroundings,
): void {
  const fields = rootFields(step.of, stateContext(around));
  const attributes = recordOf(step.attributes, fields, around, false);
  const kind = step.of === "agent" ? "autonomous" : "human";
  given[step.of] = { id: step.id.text, kind, ...attributes };
}

function givenDelegation(
  step: Extract<ast.GivenStep, { kind: "givenDelegation" }>,
  given: Given,
  around: Surroundings,
): void {
  const { vocabulary, report } = around;
  const strings = { kind: "List", of: { kind: "String" } } as const;
  const scope =
    step.scope === undefined ? [] : (literal(step.scope, strings, vocabulary, report)?.wire ?? []);
  if (step.purpose !== undefined) declared(step.purpose, vocabulary.purposes, "purpose", around);
  const ids = step.parties.map((party) => idOf(party.text, given));
  const purpose = step.purpose === undefined ? {} : { purpose: step.purpose.text };
  const chain = ids.slice(1).map((to, hop) => ({ from: ids[hop] ?? "", to, scope, ...purpose }));
  given.delegation = { chain };
  given.verified = step.verified;
}

/** `teller` is short for the given actor whose id ends in `/teller`. */
function idOf(name: string, given: Given): string {
  for (const party of [given.agent, given.principal]) {
    const id = party?.id;
    if (typeof id === "string" && (id === name || id.endsWith(`/${name}`))) return id;
  }
  return name;
}

function givenFact(
  step: Extract<ast.GivenStep, { kind: "givenFact" }>,
  given: Given,
  around: Surroundings,
): void {
  const { vocabulary, report } = around;
  const context = stateContext(around);
  const value = withoutParens(step.value);
  switch (step.of) {
    case "session":
      if (value.kind === "record")
        given.session = {
          ...given.session,
          ...recordOf(value, rootFields("session", context), around, false),
        };
      else
        assign(given.session, "id", literal(value, { kind: "String" }, vocabulary, report)?.wire);
      return;
    case "purpose":
      assign(
        given.intent,
        "purpose",
        literal(value, { kind: "Purpose" }, vocabulary, report)?.wire,
      );
      return;
    case "source":
      assign(given.intent, "source", literal(value, { kind: "Source" }, vocabulary, report)?.wire);
      return;
    case "instruction":
      assign(
        given.intent,
        "instruction",
        literal(value, { kind: "String" }, vocabulary, report)?.wire,
      );
      return;
    case "plan":
      assign(
        given.intent,
        "plan",
        literal(value, { kind: "Map", of: { kind: "Int" } }, vocabulary, report)?.wire,
      );
      return;
    case "task": {
      const name = value.kind === "name" ? { text: value.name, span: value.span } : undefined;
      if (name === undefined) report("E210", value.span, "the name of a task is wanted here");
      else if (declared(name, vocabulary.tasks, "task", around)) given.intent.task = name.text;
      return;
    }
    case "environment":
      given.context = recordOf(
        value.kind === "record" ? value : undefined,
        rootFields("environment", context),
        around,
        false,
      );
      if (value.kind !== "record")
        report(
          "E210",
          value.span,
          "attributes are wanted here",
          'such as `{ deployment: "prod" }`',
        );
      return;
    case "now": {
      const now = literal(value, { kind: "Time" }, vocabulary, report)?.wire;
      if (typeof now === "string") given.now = now;
    }
  }
}

function assign(into: Wire, name: string, value: Json | undefined): void {
  if (value !== undefined) into[name] = value;
}

function resourceOf(resource: ast.TestResource, around: Surroundings): Json {
  const context = stateContext(around);
  const known = declared(resource.type, around.vocabulary.resources.keys(), "resource", around);
  const narrow = {
    ...context,
    known: { present: new Set<string>(), resources: [resource.type.text] },
  };
  const fields = known ? rootFields("resource", narrow) : [];
  return {
    type: resource.type.text,
    id: resource.id.text,
    ...recordOf(resource.attributes, fields, around, !known),
  };
}

/** Wire members of a record literal; `loose` leaves what is not declared unchecked. */
function recordOf(
  record: ast.RecordExpr | undefined,
  fields: readonly Field[],
  around: Surroundings,
  loose: boolean,
): Wire {
  const wire: Wire = {};
  if (record !== undefined) refuseRepeated(record, around.report);
  for (const { name, value } of record?.fields ?? []) {
    const field = fields.find((candidate) => candidate.name === name.text);
    if (field === undefined && !loose) didYouMeanField(name, fields, around.report);
    const json =
      field === undefined || loose
        ? anyLiteral(value, loose ? around.report : () => {})
        : literal(value, field.type, around.vocabulary, around.report);
    if (json !== undefined) wire[field?.wire ?? name.text] = json.wire;
  }
  return wire;
}

function decideStep(
  call: ast.TestCall,
  times: number,
  expect: ast.Expectation | undefined,
  given: Given,
  around: Surroundings,
): TestStep {
  const resource = call.on === undefined ? given.resource : resourceOf(call.on, around);
  const request: Wire = {
    agent: { ...given.agent },
    ...(given.principal === undefined ? {} : { principal: { ...given.principal } }),
    ...(given.delegation === undefined ? {} : { delegation: given.delegation }),
    ...(Object.keys(given.intent).length === 0 ? {} : { intent: { ...given.intent } }),
    tool: toolOf(call, expect?.by.some((name) => name.text === "invalid_request") ?? false, around),
    ...(resource === undefined ? {} : { resource }),
    session: { ...given.session },
    ...(given.context === undefined ? {} : { context: given.context }),
  };
  return {
    kind: "decide",
    at: around.place(call.span),
    request,
    verified: given.verified,
    approvedBy: call.approvedBy.map((approver) => approver.text),
    times,
    ...(expect === undefined ? {} : { expect: expectation(expect, around) }),
  };
}

function toolOf(call: ast.TestCall, loose: boolean, around: Surroundings): Wire {
  const { vocabulary, report } = around;
  const index = vocabulary.toolIndex.get(call.tool.text);
  const tool = index === undefined ? undefined : vocabulary.tools[index];
  if (tool === undefined) {
    if (!loose)
      report(
        "E207",
        call.tool.span,
        `unknown tool \`${call.tool.text}\``,
        didYouMean(call.tool.text, vocabulary.toolIndex.keys()).help,
      );
    return { name: call.tool.text, args: recordOf(call.args, [], around, true) };
  }
  const open = loose || tool.open;
  const args = recordOf(call.args, tool.args, around, open);
  for (const field of tool.args) {
    const given = call.args?.fields.some((candidate) => candidate.name.text === field.name);
    const missing = field.type.kind !== "Optional" && given !== true;
    if (missing && !loose)
      report("E228", call.span, `argument \`${field.name}\` of \`${tool.name}\` is missing`);
  }
  return {
    name: tool.wire,
    ...(tool.server === undefined ? {} : { server: tool.server }),
    ...(tool.digest === undefined ? {} : { digest: tool.digest }),
    args,
  };
}

function expectation(expect: ast.Expectation, around: Surroundings): Expectation {
  return {
    at: around.place(expect.span),
    decision: expect.decision,
    by: expect.by.map((name) => name.text),
    interrupt: expect.interrupt,
    with: expect.with.map((name) => name.text),
    next: expect.next.map((name) => name.text),
  };
}

function outcomeStep(
  step: Extract<ast.TestStep, { kind: "outcome" }>,
  around: Surroundings,
): TestStep {
  for (const label of step.labels) declared(label, around.vocabulary.labels, "label", around);
  if (step.status === "pending" && step.labels.length + step.returns.length > 0) {
    const message = "nothing is known yet of what a pending call returns";
    around.report("E231", step.span, message, "leave it out, or say `outcome ok`");
  }
  const values = step.returns.map((value) => anyLiteral(value, around.report)?.wire ?? null);
  const [only] = values;
  return {
    kind: "outcome",
    at: around.place(step.span),
    status: step.status,
    labels: step.labels.map((label) => label.text),
    ...(only === undefined ? {} : { values: values.length === 1 ? only : values }),
  };
}

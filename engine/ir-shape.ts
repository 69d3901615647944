/**
 * What a program read from a file must look like (SPEC §11): every node has its members and no others, every
 * index leads somewhere, nothing is deeper than an evaluator may recurse. One check for each node of `lang/ir.ts`,
 * in its order. What a program means is not asked: whoever made it could have meant anything.
 */

import { BUILTINS } from "../lang/builtins.ts";
import type { Program } from "../lang/ir.ts";
import { APPROVERS_MAX, HOLD_MS_MAX, TREE_HEIGHT_MAX } from "../lang/limits.ts";
import { ROOTS } from "../lang/roots.ts";
import { EFFECTS, KINDS, SCALARS } from "../lang/type.ts";
import { FORBIDDEN_NAMES } from "../lang/value.ts";

/** The first thing wrong with it, as a JSON pointer and what is wrong there; `undefined` when it is a program. */
export function faultOfProgram(json: unknown): string | undefined {
  return faultOf(PROGRAM, json, countsOf(json));
}

/** Likewise for the tests that a bundle brings. */
export function faultOfTests(json: unknown, program: Program): string | undefined {
  return faultOf(list(TEST), json, countsOf(program));
}

/** How many there are of what indexes lead to. */
type Counts = Readonly<Record<Indexed, number>>;
type Indexed =
  | "tools"
  | "functions"
  | "modules"
  | "binaries"
  | "counters"
  | "latches"
  | "sources"
  | "places";

interface Place {
  readonly at: string;
  readonly depth: number;
  readonly counts: Counts;
}

type Check = (value: unknown, place: Place) => void;

class Fault extends Error {}

/** Lists of a policy are of what people wrote; those of places have five numbers for every expression. */
const LIST_MOST = 5_000_000;

/** IR is a little higher than the text's tree: conversions and negations are nodes of their own. */
const DEPTH_MOST = 2 * TREE_HEIGHT_MAX + 64;

function faultOf(check: Check, json: unknown, counts: Counts): string | undefined {
  try {
    check(json, { at: "", depth: 0, counts });
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

function countsOf(json: unknown): Counts {
  const program = (typeof json === "object" && json !== null ? json : {}) as Record<
    string,
    unknown
  >;
  const count = (name: string) => {
    const value = program[name];
    return Array.isArray(value) ? value.length : 0;
  };
  return {
    tools: count("tools"),
    functions: count("functions"),
    modules: count("modules"),
    binaries: count("binaries"),
    counters: count("counters"),
    latches: count("latches"),
    sources: count("sources"),
    places: Math.floor(count("places") / 5),
  };
}

function fail(place: Place, message: string): never {
  throw new Fault(`${place.at === "" ? "the program" : place.at} ${message}`);
}

const bool: Check = (value, place) => {
  if (typeof value !== "boolean") fail(place, "is not true or false");
};

const text: Check = (value, place) => {
  if (typeof value !== "string") fail(place, "is no text");
};

const name: Check = (value, place) => {
  text(value, place);
  if (FORBIDDEN_NAMES.has(value as string)) fail(place, "is a forbidden name");
};

const whole: Check = (value, place) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    fail(place, "is no whole number from 0");
};

function numberFrom(least: number, most: number): Check {
  return (value, place) => {
    whole(value, place);
    if ((value as number) < least || (value as number) > most)
      fail(place, `is not from ${least} to ${most}`);
  };
}

const number: Check = (value, place) => {
  if (typeof value !== "number" || !Number.isFinite(value)) fail(place, "is no number");
};

function indexOf(what: Indexed): Check {
  return (value, place) => {
    whole(value, place);
    if ((value as number) >= place.counts[what]) fail(place, `leads to none of the ${what}`);
  };
}

function oneOf(values: readonly unknown[]): Check {
  return (value, place) => {
    if (!values.includes(value)) fail(place, `is none of ${values.join(", ")}`);
  };
}

function list(of: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value)) fail(place, "is no list");
    if (value.length > LIST_MOST) fail(place, `has more than ${LIST_MOST} elements`);
    for (const [index, item] of value.entries()) of(item, below(place, String(index)));
  };
}

interface Members {
  readonly [name: string]: Check;
}

function object(required: Members, optional: Members = {}): Check {
  const all = new Map(Object.entries({ ...required, ...optional }));
  const needed = Object.keys(required);
  return (value, place) => {
    const members = membersOf(value, place);
    for (const member of needed) {
      if (!Object.hasOwn(members, member)) fail(below(place, member), "is missing");
    }
    for (const [member, inner] of Object.entries(members)) {
      const check = all.get(member);
      if (check === undefined) fail(below(place, member), "is no member of this");
      else check(inner, below(place, member));
    }
  };
}

function tagged(tag: string, shapes: Readonly<Record<string, Check>>): Check {
  const all = new Map(Object.entries(shapes));
  return (value, place) => {
    const kind = membersOf(value, place)[tag];
    const check = typeof kind === "string" ? all.get(kind) : undefined;
    if (check === undefined) fail(below(place, tag), `is unknown: ${JSON.stringify(kind)}`);
    check(value, place);
  };
}

/** A node of `kind`, which its own check need not name again. */
function nodes(tag: string, shapes: Readonly<Record<string, readonly [Members, Members?]>>): Check {
  const made = Object.entries(shapes).map(([kind, [required, optional]]) => [
    kind,
    object({ [tag]: oneOf([kind]), ...required }, optional),
  ]);
  return tagged(tag, Object.fromEntries(made) as Record<string, Check>);
}

function membersOf(value: unknown, place: Place): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    fail(place, "is no object");
  return value as Readonly<Record<string, unknown>>;
}

function below({ at, depth, counts }: Place, step: string): Place {
  return { at: `${at}/${step}`, depth, counts };
}

/** Nodes refer to each other; what is deeper than an evaluator can go is refused before it is looked into. */
function nested(check: () => Check): Check {
  return (value, place) => {
    if (place.depth > DEPTH_MOST) fail(place, `is nested deeper than ${DEPTH_MOST}`);
    check()(value, { ...place, depth: place.depth + 1 });
  };
}

const json: Check = nested(() => (value, place) => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return;
  if (typeof value === "number") number(value, place);
  else if (Array.isArray(value)) list(json)(value, place);
  else {
    for (const [member, inner] of Object.entries(membersOf(value, place))) {
      if (FORBIDDEN_NAMES.has(member)) fail(below(place, member), "is a forbidden name");
      json(inner, below(place, member));
    }
  }
});

const at = indexOf("places");
const texts = list(text);
const names = list(name);
const expr: Check = nested(() => EXPR);
const type: Check = nested(() => TYPE);
const tools = list(indexOf("tools"));

const FIELD = object({ name, type }, { wire: name, default: json });
const fields = list(FIELD);

const TYPE: Check = nodes("kind", {
  ...Object.fromEntries(SCALARS.map((scalar) => [scalar, [{}] as const])),
  Level: [{ name }],
  OneOf: [{ values: texts }],
  Set: [{ of: type }],
  List: [{ of: type }],
  Map: [{ of: type }],
  Record: [{ fields, open: bool }],
  Party: [{}],
  Optional: [{ of: type }],
});

const CALLS = object({ base: oneOf(["attempts", "allowed", "completed"]) }, { tools, where: expr });

const STEP = object({
  label: text,
  tools,
  binds: list(object({ argument: name, id: whole })),
  predicates: list(expr),
  at,
});

/** Positions lead to positions of the same sequence. */
const SEQUENCE: Check = (value, place) => {
  const count = membersOf(value, place).positions;
  const most = Array.isArray(count) ? count.length : 0;
  const position: Check = (index, where) => {
    whole(index, where);
    if ((index as number) >= most) fail(where, "leads to no position");
  };
  const positions = list(position);
  object({
    positions: list(STEP),
    first: positions,
    follow: list(positions),
    last: positions,
    empty: bool,
  })(value, place);
};

const LIMIT = nodes("kind", {
  calls: [{ most: whole, at }],
  duration: [{ mostMs: whole, at }],
  counter: [{ counter: indexOf("counters"), most: number, at }],
});

const GUARD = object(
  {},
  {
    tools,
    agentGroups: texts,
    agentKinds: list(oneOf(KINDS)),
    principalGroups: texts,
    principalKinds: list(oneOf(KINDS)),
    resources: names,
    purposes: texts,
    tasks: names,
  },
);

const OBLIGATION = nodes("type", {
  credential: [{ scope: texts, ttlMs: whole }],
  redact: [{ paths: texts }],
  log: [{ level: oneOf(["none", "summary", "full"]) }],
  notify: [{ whom: texts }],
  custom: [{ name, value: json }],
});

const APPROVAL = object(
  {
    count: numberFrom(1, APPROVERS_MAX),
    approver: nodes("kind", { party: [{ party: expr }], group: [{ group: text }] }),
  },
  { withinMs: numberFrom(1, HOLD_MS_MAX) },
);

const RULE = object(
  {
    name,
    package: text,
    effect: oneOf(["permit", "forbid", "hold", "oblige"]),
    guard: GUARD,
    lets: list(object({ id: whole, name, value: expr })),
    conditions: list(expr),
    obligations: list(OBLIGATION),
    interrupt: bool,
    tags: texts,
    at,
  },
  { approval: APPROVAL, because: text },
);

const PROGRAM: Check = object(
  {
    format: oneOf(["writ.ir"]),
    version: object({ major: whole, minor: whole }),
    package: text,
    packages: texts,
    levels: list(object({ name, values: names })),
    purposes: texts,
    labels: names,
    tools: list(
      object(
        {
          name,
          wire: text,
          effect: oneOf(EFFECTS),
          args: fields,
          open: bool,
          yields: list(object({ label: name, elsewhere: bool }, { fields: names })),
          scope: texts,
        },
        { server: text, source: object({ of: oneOf(["output", "args"]), name }), digest: text },
      ),
    ),
    resources: list(object({ name, attributes: fields, open: bool })),
    principal: fields,
    agent: fields,
    session: fields,
    environment: fields,
    functions: list(object({ name, params: list(whole), body: expr, at })),
    modules: list(
      object({ name, module: text, entrypoint: text, type, at }, { binary: indexOf("binaries") }),
    ),
    counters: list(
      object(
        {
          name,
          op: oneOf(["count", "sum", "distinct"]),
          type: oneOf(["Int", "Decimal"]),
          calls: CALLS,
          per: list(expr),
          at,
        },
        { of: expr, windowMs: whole },
      ),
    ),
    latches: list(object({ name, calls: CALLS, per: list(expr), at }, { reset: CALLS })),
    tasks: list(object({ name, limits: list(LIMIT), at }, { purpose: text, sequence: SEQUENCE })),
    rules: list(RULE),
    nevers: list(object({ name, package: text, condition: expr, at }, { because: text })),
    readsOrigin: bool,
    sources: texts,
    places: list(whole),
  },
  { binaries: list(object({ wasm: text }, { data: text })) },
);

const NUMBERS = ["Int", "Decimal", "Float", "Duration", "Time"];
const two = { left: expr, right: expr, at };

const BUILTIN_CALL: Check = (value, place) => {
  object({ kind: text, name: text, args: list(expr), at })(value, place);
  const called = value as { readonly name: string; readonly args: readonly unknown[] };
  const builtin = BUILTINS.get(called.name);
  if (builtin === undefined)
    fail(below(place, "name"), `is no builtin: ${JSON.stringify(called.name)}`);
  if (builtin.arity !== called.args.length) fail(below(place, "args"), `are not ${builtin.arity}`);
};

const SIMPLE: Readonly<Record<string, readonly [Members, Members?]>> = {
  const: [{ type, value: json, at }],
  root: [{ name: oneOf(ROOTS), at }],
  local: [{ id: whole, name, at }],
  attribute: [{ of: expr, name, at }],
  index: [{ of: expr, index: expr, over: oneOf(["List", "Map"]), at }],
  has: [{ of: expr, at }],
  coalesce: [two],
  not: [{ operand: expr, at }],
  and: [two],
  or: [two],
  if: [{ condition: expr, then: expr, else: expr, at }],
  equal: [{ ...two, type }],
  less: [{ ...two, op: oneOf(["<", "<=", ">", ">="]) }],
  arithmetic: [{ ...two, op: oneOf(["+", "-", "*"]), number: oneOf(NUMBERS) }],
  decimal: [{ of: expr, at }],
  negate: [{ of: expr, at }],
  in: [{ ...two, over: oneOf(["Set", "List"]) }],
  subset: [two],
  within: [{ ...two, of: oneOf(["Purpose", "Path", "Ip"]) }],
  like: [{ left: expr, pattern: expr, at }],
  text: [{ ...two, op: oneOf(["starts", "ends", "contains"]) }],
  quantifier: [{ op: oneOf(["any", "all"]), id: whole, name, over: expr, body: expr, at }],
  aggregate: [
    {
      op: oneOf(["count", "sum", "min", "max", "first", "last", "list", "set"]),
      id: whole,
      name,
      over: expr,
      at,
    },
    { number: oneOf(NUMBERS), where: expr, body: expr },
  ],
  list: [{ items: list(expr), as: oneOf(["List", "Set"]), at }],
  record: [{ fields: list(object({ name, value: expr })), at }],
  call: [{ function: indexOf("functions"), args: list(expr), at }],
  module: [{ module: indexOf("modules"), at }],
  counter: [{ counter: indexOf("counters"), at }],
  latch: [{ latch: indexOf("latches"), at }],
  origin: [{ of: expr, at }],
};

const PLAIN: Check = nodes("kind", SIMPLE);

const EXPR: Check = (value, place) => {
  if (membersOf(value, place).kind === "builtin") BUILTIN_CALL(value, place);
  else PLAIN(value, place);
};

const EXPECTATION = object({
  at,
  decision: oneOf(["allow", "deny", "hold"]),
  by: texts,
  interrupt: bool,
  with: texts,
  next: texts,
});

const TEST = object(
  {
    name: text,
    package: text,
    at,
    steps: list(
      nodes("kind", {
        decide: [
          { at, request: json, verified: bool, approvedBy: texts, times: whole },
          { expect: EXPECTATION },
        ],
        wait: [{ at, ms: whole }],
        outcome: [
          { at, status: oneOf(["ok", "error", "pending"]), labels: texts },
          { values: json },
        ],
      }),
    ),
  },
  { now: text },
);

/** Members of every kind of expression besides `kind`, those that may be missing with `?`: SPEC §11 is compared with it. */
export const EXPR_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({ ...SIMPLE, builtin: [{ name: text, args: list(expr), at }] as const }).map(
    ([kind, [required, optional = {}]]) => [
      kind,
      [...Object.keys(required), ...Object.keys(optional).map((member) => `${member}?`)],
    ],
  ),
);

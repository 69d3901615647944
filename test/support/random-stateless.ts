/**
 * Random packages that remember nothing, as text, and requests of them: what `writ build --target rego` can say.
 * A fixed vocabulary, random rules over it. Attributes that may be absent are read where they may be.
 */
import { type Random, randomFrom } from "../differential/random.ts";

const VOCABULARY = `package example
level Sensitivity = public < internal < secret
level Tier = bronze < silver < gold
purpose payments, payments.payroll, support
label untrusted, private
type Item = { sku: String, price: Decimal, count: Int, gift: String? }
tool pay named "pay-now" { effect write, args { amount: Decimal, fee: Decimal?, to: Email, count: Int, tags: Set<String>, memo: String?, fast: Bool } }
tool order { effect send, args { items: List<Item>, amount: Decimal, count: Int, counts: List<Int>, weights: Map<Decimal>, memo: String?, default: String? } }
tool look { effect read, args { path: Path, tags: Set<String>, count: Int, * } }
tool look_there named "look" { effect read, server "mcp://there", args { path: Path, tags: Set<String>, memo: String? } }
resource doc { owner: String, size: Int = 0, tier: Tier?, shared named "shared-with": Set<String> = [] }
resource box { owner: String, size: Int }
principal { limit: Decimal = 100.00, tier: Tier, names: Set<String> = [], manager: String?, team: String? = "m1" }
agent { model: String = "m1", calm: Bool = true }
environment { region: "eu" | "us" = "eu", load: Int? }
fn small(x: Decimal): Bool = x <= 10.00
fn both(a: Int, b: Int): Int = if a > b then a - b else a + b
`;

interface Reading {
  readonly text: string;
  /** Read behind `has` of it. */
  readonly optional?: boolean;
  /** Of these tools' calls, or of this type of resource. */
  readonly tools?: readonly string[];
  readonly resource?: string;
}

type Kind =
  | "Decimal"
  | "Int"
  | "String"
  | "Bool"
  | "Tier"
  | "Sensitivity"
  | "Set"
  | "Path"
  | "Email";

const PAY = ["pay"];
const ORDER = ["order"];
const READINGS: Readonly<Record<Kind, readonly Reading[]>> = {
  Decimal: [
    { text: "args.amount", tools: ["pay", "order"] },
    { text: "args.fee", optional: true, tools: PAY },
    { text: "principal.limit" },
    { text: "agent.trust" },
    { text: 'args.weights["a"]', optional: true, tools: ORDER },
    { text: "args.items[0].price", tools: ORDER, optional: true },
  ],
  Int: [
    { text: "args.count", tools: ["pay", "order"] },
    { text: "args.count", tools: ["look"] },
    { text: "resource.size" },
    { text: "environment.load", optional: true },
    { text: "args.counts[1]", optional: true, tools: ORDER },
  ],
  String: [
    { text: "agent.id" },
    { text: "principal.id" },
    { text: "resource.owner" },
    { text: "args.memo", optional: true, tools: ["pay", "order"] },
    { text: "args.memo", optional: true, tools: ["look_there"] },
    { text: "args.default", optional: true, tools: ORDER },
    { text: "principal.manager", optional: true },
    { text: "principal.team" },
    { text: "resource.tenant", optional: true },
    { text: "agent.model" },
    { text: "tool.name" },
    { text: "delegation.root.id" },
  ],
  Bool: [
    { text: "args.fast", tools: PAY },
    { text: "agent.calm" },
    { text: "agent.attested" },
    { text: "delegation.verified" },
  ],
  Tier: [{ text: "principal.tier" }, { text: "resource.tier", optional: true, resource: "doc" }],
  Sensitivity: [{ text: "resource.sensitivity" }],
  Set: [
    { text: "agent.groups" },
    { text: "principal.names" },
    { text: "args.tags", tools: PAY },
    { text: "args.tags", tools: ["look", "look_there"] },
    { text: "resource.shared", resource: "doc" },
  ],
  Path: [{ text: "args.path", tools: ["look", "look_there"] }],
  Email: [{ text: "args.to", tools: PAY }],
};

const CONSTANTS: Readonly<Record<Kind, readonly string[]>> = {
  Decimal: ["0", "0.5", "10.00", "-2.2500", "100.00", "900719925474.0991"],
  Int: ["0", "1", "2", "-7", "9007199254740991"],
  String: ['"alice"', '"bob"', '"a*b"', '"m1"', '""', '"ALICE x"'],
  Bool: ["true", "false"],
  Tier: ["bronze", "silver", "gold"],
  Sensitivity: ["public", "internal", "secret"],
  Set: ['["alice", "x"]', '["x"]'],
  Path: ['"/home"', '"/home/alice"', '"src"', '"."'],
  Email: ['"bob@b.example"', '"alice@A.example"'],
};

/** Where a rule stands. */
interface Place {
  /** What decides where it is unknown must not read a party that may be missing: the checker refuses it. */
  readonly careful: boolean;
  readonly tool: string | undefined;
  readonly resource: string | undefined;
}

export function randomStateless(seed: number): string {
  return new Generator(randomFrom(seed)).text();
}

class Generator {
  readonly #random: Random;
  #names = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  text(): string {
    const rules = Array.from({ length: 4 + this.#random.below(5) }, () => this.#rule());
    const nevers = Array.from({ length: this.#random.below(2) }, () => this.#never());
    return [VOCABULARY, ...rules, ...nevers].join("\n");
  }

  #rule(): string {
    const random = this.#random;
    const effect = random.pick(["permit", "permit", "permit", "forbid", "hold", "oblige"]);
    const tool = random.chance(0.7)
      ? random.pick(["pay", "order", "look", "look_there"])
      : undefined;
    const resource = random.chance(0.3) ? random.pick(["doc", "box"]) : undefined;
    const place = { tool, resource, careful: effect !== "permit" && effect !== "oblige" };
    const lines = [
      `${effect} r${this.#names++}`,
      ...(random.chance(0.15) ? ['  agent in group "staff"'] : []),
      ...(tool === undefined ? [] : [`  tool ${tool}`]),
      ...(resource === undefined ? [] : [`  resource ${resource}`]),
      ...(random.chance(0.2) ? [`  purpose within ${random.pick(["payments", "support"])}`] : []),
      ...this.#conditions(place),
      ...this.#rest(effect),
    ];
    return lines.join("\n");
  }

  #conditions(place: Place): readonly string[] {
    const random = this.#random;
    return Array.from(
      { length: random.below(3) },
      () => `  ${random.pick(["when", "when", "unless"])} ${this.#condition(2, place)}`,
    );
  }

  #rest(effect: string): readonly string[] {
    const random = this.#random;
    const because = random.chance(0.4) ? [`  because "because \\"of\\" ${this.#names}"`] : [];
    switch (effect) {
      case "hold":
        return [
          `  until approved by ${random.pick(["principal", 'group "treasury"', '2 of group "sre"', "delegation.root"])}`,
          ...because,
        ];
      case "permit":
      case "oblige":
        return [
          ...(effect === "oblige" || random.chance(0.4) ? this.#obligations() : []),
          ...because,
        ];
      default:
        return because;
    }
  }

  #obligations(): readonly string[] {
    return this.#random.pick([
      ['  with credential { scope: ["b", "a"], ttl: 60s }'],
      ['  with credential { scope: ["a", "c"], ttl: 1500ms }', "  with log summary"],
      ['  with redact ["*.iban", "*.a"]', "  with log full"],
      ['  with notify "security"'],
      ['  with watermark { by: "writ", depth: 2 }', '  with notify ["a", "b"]'],
    ]);
  }

  #never(): string {
    const place = { tool: undefined, resource: undefined, careful: true };
    return `never n${this.#names++}\n  allow when ${this.#condition(2, place)}`;
  }

  // ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────

  #condition(depth: number, place: Place): string {
    const random = this.#random;
    if (depth > 0 && random.chance(0.5)) {
      const [left, right] = [this.#condition(depth - 1, place), this.#condition(depth - 1, place)];
      switch (random.below(4)) {
        case 0:
          return `(${left} and ${right})`;
        case 1:
          return `(${left} or ${right})`;
        case 2:
          return `not (${left})`;
        default:
          return `(if ${left} then ${right} else ${this.#test(place)})`;
      }
    }
    return this.#test(place);
  }

  #test(place: Place): string {
    const random = this.#random;
    switch (random.below(14)) {
      case 0:
        return this.#read("Bool", place, (text) => text);
      case 1:
        return this.#read(
          "Decimal",
          place,
          (text) => `${text} ${this.#order()} ${this.#number(place)}`,
        );
      case 2:
        return this.#read("Int", place, (text) => `${text} ${this.#order()} ${this.#whole(place)}`);
      case 3:
        return this.#read("String", place, (text) => `${text} == ${random.pick(CONSTANTS.String)}`);
      case 4:
        return this.#read(
          "Tier",
          place,
          (text) => `${text} ${this.#order()} ${random.pick(CONSTANTS.Tier)}`,
        );
      case 5:
        return this.#read(
          "Sensitivity",
          place,
          (text) => `${text} >= ${random.pick(CONSTANTS.Sensitivity)}`,
        );
      case 6:
        return this.#read("Set", place, (text) => this.#ofSet(text, place));
      case 7:
        return this.#read("String", place, (text) => this.#ofText(text));
      case 8:
        return this.#read("Path", place, (text) => `${text} within ${random.pick(CONSTANTS.Path)}`);
      case 9:
        return this.#read("Email", place, (text) => `${text}.domain == "b.example"`);
      case 10:
        return place.tool === "order" ? this.#ofItems() : "has principal";
      case 11:
        return random.pick([
          "has resource",
          "has principal",
          "resource is doc",
          "principal is human",
        ]);
      case 12:
        return this.#read("Decimal", place, (text) => `small(${text})`);
      default:
        return this.#read("Int", place, (text) => `both(${text}, 2) ${this.#order()} 3`);
    }
  }

  /** Behind `has`, with a value instead, or as it is where it is always there. */
  #read(kind: Kind, place: Place, test: (text: string) => string): string {
    const random = this.#random;
    const fitting = READINGS[kind].filter(
      ({ tools, resource }) =>
        (tools === undefined || (place.tool !== undefined && tools.includes(place.tool))) &&
        (resource === undefined || resource === place.resource),
    );
    if (fitting.length === 0) return random.pick(["has principal", "has resource"]);
    const { text, optional } = random.pick(fitting);
    const root = text.slice(0, text.indexOf("."));
    const mayMiss = root === "principal" || (root === "resource" && place.resource === undefined);
    if (place.careful && mayMiss) {
      return `(has ${root} and ${optional ? `has ${text} and ` : ""}${test(text)})`;
    }
    if (!optional) return test(text);
    return random.pick([
      () => `(has ${text} and ${test(text)})`,
      () => `(not has ${text} or ${test(text)})`,
      () => test(`(${text} ?? ${random.pick(CONSTANTS[kind])})`),
    ])();
  }

  #order(): string {
    return this.#random.pick(["<", "<=", ">", ">=", "==", "!="]);
  }

  #number(place: Place): string {
    const random = this.#random;
    const one = random.pick(CONSTANTS.Decimal);
    if (place.tool !== "pay") return one;
    return random.pick([
      one,
      `args.amount + ${one}`,
      "args.amount * 1.05",
      `principal.limit - ${one}`,
      "-args.amount",
    ]);
  }

  #whole(place: Place): string {
    const random = this.#random;
    const one = random.pick(CONSTANTS.Int);
    if (place.tool === undefined || place.tool === "look_there") return one;
    return random.pick([one, `args.count + ${one}`, "args.count * 3", "abs(args.count)"]);
  }

  #ofSet(text: string, place: Place): string {
    const random = this.#random;
    return random.pick([
      () => `"x" in ${text}`,
      () => `"x" not in ${text}`,
      () => `${text} subset of ["x", "alice", "staff"]`,
      () => `(any e in ${text}: e == principal.id)`,
      () => `(all e in ${text}: e like "*a*" or e == agent.id)`,
      () => `count(${text}) > 1`,
      () => `count(union(${text}, principal.names)) > ${random.pick(["0", "2"])}`,
      () =>
        `(count(e in ${text} where e == ${place.tool === "look_there" ? '"x"' : "principal.id"})) == 1`,
    ])();
  }

  #ofText(text: string): string {
    return this.#random.pick([
      `${text} like "a*"`,
      `${text} starts with "a"`,
      `${text} contains "l"`,
      `length(${text}) > 3`,
      `lower(trim(${text})) == "alice"`,
      `"alice" in words(${text})`,
      `host_within(${text}, "b.example")`,
      `${text} in principal.names`,
    ]);
  }

  #ofItems(): string {
    return this.#random.pick([
      "sum(i in args.items: i.price) <= args.amount",
      "sum(args.counts) < 5",
      '(any i in args.items: has i.gift and i.gift == "x")',
      "(all i in args.items: i.count > 0 or small(i.price))",
      "(max(i in args.items: i.price) ?? 0) <= 10.00",
      'set(i in args.items: i.sku) subset of ["alice", "bob"]',
      "count(i in args.items where not has i.gift) < 2",
      "(all p in neighbours(args.counts): p.first <= p.second)",
      "(all p in zip(args.counts, args.items): p.first <= p.second.count)",
      '"a" in keys(args.weights)',
      "(any i in args.items: i.price * 2.5 > args.amount)",
      '(first(i in args.items: i.sku) ?? "") == principal.id',
    ]);
  }
}

/**
 * The one place where text becomes code. Generated source consists of this project's own words, of names
 * made here (`v12`) and of nothing else: whatever comes from a policy is handed over beside the source, as
 * a constant reached by its index. Before it is compiled, the source is read once more, token by token.
 */
import { compileFunction } from "node:vm";

/** A piece of source. `code` makes it from literal text and other pieces; no string can become one. */
class Fragment {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  static textOf(fragment: Fragment): string {
    return fragment.#text;
  }
}

export type Code = Fragment;

/** Source as written here, with other pieces of source in its holes. A string in a hole is a bug and throws. */
export function code(parts: TemplateStringsArray, ...holes: readonly Code[]): Code {
  let text = parts[0] ?? "";
  for (let at = 0; at < holes.length; at++) {
    const hole = holes[at];
    if (!(hole instanceof Fragment)) throw new TypeError("only code can stand in code");
    text += Fragment.textOf(hole) + (parts[at + 1] ?? "");
  }
  return new Fragment(text);
}

export const NOTHING: Code = code``;

export function join(pieces: readonly Code[], separator: Code): Code {
  return new Fragment(pieces.map(Fragment.textOf).join(Fragment.textOf(separator)));
}

/** What a name stands for: constant, value, unknown, label, function. The letter keeps dumps readable. */
export type NameKind = "k" | "v" | "u" | "l" | "f";

/** Statements in order. */
export class Block {
  readonly #statements: Code[] = [];

  add(statement: Code): void {
    this.#statements.push(statement);
  }

  toCode(): Code {
    return join(this.#statements, code`\n`);
  }
}

/** Makes the names and collects the constants of one unit of source. */
export class Emitter {
  #nameCount = 0;
  readonly #constants: unknown[] = [];
  readonly #constantNames = new Map<unknown, Code>();
  readonly #shape: string[] = [];
  readonly #helpers = new Set<HelperName>();

  name(kind: NameKind): Code {
    return new Fragment(`${kind}${this.#nameCount++}`);
  }

  /** A value that the source refers to; the same value always has the same name. */
  constant(value: unknown): Code {
    const known = this.#constantNames.get(value);
    if (known !== undefined) return known;
    const made = new Fragment(`k${this.#constants.length}`);
    this.#constants.push(value);
    this.#constantNames.set(value, made);
    return made;
  }

  /**
   * A constant that is used as a member's name. Units that differ in other constants share machine code;
   * units that read other members do not, since reading must stay monomorphic.
   */
  memberName(name: string): Code {
    const made = this.constant(name);
    this.#shape.push(name);
    return made;
  }

  helper(name: HelperName): Code {
    if (!HELPER_NAMES.includes(name)) throw new TypeError("not a helper");
    this.#helpers.add(name);
    return new Fragment(name);
  }

  /** The unit whose source is `declarations`, followed by the function `result` as what it yields. */
  finish(declarations: Code, result: Code): EmittedUnit {
    const names = [
      ...[...this.#helpers].sort().map((name) => `${name}=H.${name}`),
      ...this.#constants.map((_, at) => `k${at}=K[${at}]`),
    ];
    const head = names.length > 0 ? `const ${names.join(",")};\n` : "";
    return {
      source: `${head}${Fragment.textOf(declarations)}\nreturn (${Fragment.textOf(result)});\n`,
      constants: this.#constants,
      shape: this.#shape.join("\u0000"),
    };
  }
}

export interface EmittedUnit {
  readonly source: string;
  readonly constants: readonly unknown[];
  /** Members that the source reads. */
  readonly shape: string;
}

/** Functions of this project that generated code may call: each key of `helpers.ts`. */
const HELPER_NAMES = [
  "Failure",
  "Unknown",
  "addHit",
  "addUnknown",
  "bindMore",
  "bindingSteps",
  "builtinSteps",
  "containsSteps",
  "edgeSteps",
  "equal",
  "fuel",
  "globMatches",
  "inSteps",
  "ipWithin",
  "isSubset",
  "keySteps",
  "likeSteps",
  "makeRecord",
  "multiplyDecimals",
  "originSteps",
  "partyId",
  "pathWithin",
  "placeIn",
  "purposeWithin",
  "sameSteps",
  "setSteps",
  "subsetSteps",
  "textSteps",
  "keyOf",
  "keyOfOne",
] as const;
export type HelperName = (typeof HELPER_NAMES)[number];

/** Takes constants (`K`) and helpers (`H`), gives what the unit yields. */
export type Factory = (constants: readonly unknown[], helpers: object) => unknown;
export type Compile = (source: string) => Factory;

/** Refuses source with a token that is not on the list, so that a mistake in the emitter cannot become code. */
export function compileSource(source: string): Factory {
  const refused = refusedToken(source);
  if (refused !== undefined) throw new Error(`generated source holds ${JSON.stringify(refused)}`);
  return compileFunction(source, ["K", "H"]) as Factory;
}

/** The first piece of text that is no token on the list. There is no string, comment, `/`, `=>` or `this` on it. */
export function refusedToken(source: string): string | undefined {
  let end = 0;
  while (end < source.length) {
    TOKEN.lastIndex = end;
    if (!TOKEN.test(source)) return source.slice(end, end + 40);
    end = TOKEN.lastIndex;
  }
  return undefined;
}

const WORDS: readonly string[] = [
  ...HELPER_NAMES,
  // Words of JavaScript.
  ...["break", "const", "else", "false", "for", "function", "if", "instanceof", "let", "new"],
  ...["of", "return", "true", "undefined", "Set"],
  // Parameters: constants, helpers, roots, facts, results, values bound so far.
  ...["K", "H", "q", "f", "o", "b"],
  // Members of the engine's own objects.
  ...["agent", "principal", "delegation", "intent", "tool", "args", "resource", "session"],
  ...["environment", "counter", "latch", "origin", "cause", "permits", "forbids", "holds"],
  ...["left", "floor", "ask", "enter", "leave", "spend", "analyse", "length"],
  ...["obliges", "get", "has", "includes", "startsWith", "endsWith", "push", "add", "kind"],
  ...["index", "key", "amount", "uncertain", "matches", "bound", "unknown", "module", "value"],
];

/** Tried in this order; at one place at most one of them fits, so that nothing is read twice. */
const TOKEN = new RegExp(
  [
    "[ \\n]+",
    `(?:[kvulf][0-9]{1,9}|[0-9]{1,9}|${WORDS.join("|")})(?![A-Za-z0-9_$\\\\])`,
    "[(){}[\\];,:.]|===|!==|=(?![=>])|&&|\\|\\||\\?[?.]?|<(?!!)=?|>=?|-(?!-)=?|[+*!]",
  ].join("|"),
  "y",
);

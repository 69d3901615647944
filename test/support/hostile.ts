/** Texts of up to 1 MB that ask for much with little: each must be compiled, or refused, while a caller waits. */
const SIZE = 900_000;

/** And as many tokens as a file may hold: beyond them, little is looked at. */
const TOKENS = 240_000;

/** As many of them as fit. */
function many(make: (at: number) => string, most = Number.POSITIVE_INFINITY, size = SIZE): string {
  const parts: string[] = [];
  for (let at = 0, length = 0, tokens = 0; at < most; at++) {
    const part = make(at);
    length += part.length + 1;
    tokens += (part.match(/\w+|[^\w\s]/g)?.length ?? 0) * (SIZE / size);
    if (length > size || tokens > TOKENS) break;
    parts.push(part);
  }
  return parts.join("\n");
}

const row = (make: (at: number) => string, count: number, between = ", ") =>
  Array.from({ length: count }, (_, at) => make(at)).join(between);
const nested = (depth: number, open: string, close: string, inner: string) =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;

const TOOL = "tool t { effect read, args { x: Int, s: String, xs: List<Int> } }\n";
const ORDER = "level Sensitivity = low < high\n";

export const HOSTILE: Readonly<Record<string, () => string>> = {
  "10,000 rules": () => TOOL + many((at) => `permit p${at} tool t when args.x > ${at}`, 10_000),
  "20,000 rules without a tool clause": () =>
    TOOL + many((at) => `permit p${at} when args.x > ${at} and has principal`, 19_000),
  "too many rules": () => many((at) => `permit p${at} when true`),
  "tools in rows": () =>
    many((row_) => `tool ${row((at) => `t${row_}_${at}`, 5_000, ",")} { effect read }`, 3),
  "too many tools in rows": () =>
    many((row_) => `tool ${row((at) => `t${row_}_${at}`, 9_000, ",")} { effect read }`),
  "tools, and rules about all of them": () =>
    many((at) => `tool t${at} { effect read, args { x: Int } }`, 9_000, SIZE / 2) +
    many((at) => `permit p${at} tool effect read when args.x > 1`, 9_000, SIZE / 2),
  "tools, and readings of arguments of all of them": () =>
    many((at) => `tool t${at} { effect read, args { x: Int } }`, 9_000, SIZE / 2) +
    many((at) => `permit p${at} when args.x > 1 and args.x < 2 and args.y == 1`, 9_000, SIZE / 2),
  "tools left out one by one": () =>
    many((at) => `tool t${at} { effect read, args { x: Int } }`, 5_000, SIZE / 3) +
    many(
      (at) => `permit p${at} when ${row((t) => `tool is not t${t} and args.x > 1`, 60, " and ")}`,
      5_000,
      SIZE / 2,
    ),
  "one sum as long as can be": () => `${TOOL}permit p when ${row(() => "1", 100_000, " + ")} > 1`,
  "sums of 500 each": () =>
    TOOL + many((at) => `permit p${at} when ${row(() => "args.x", 500, "+")} > 1`),
  "or of 500 each": () =>
    TOOL + many((at) => `permit p${at} when ${row(() => "args.x > 1", 500, " or ")}`),
  "has of 500 each": () =>
    `tool t { effect read, args { ${row((at) => `a${at}: Int?`, 500)} } }\n${many(
      (at) =>
        `permit p${at} tool t when ${row((one) => `has args.a${one}`, 250, " and ")} and args.a1 > 1`,
    )}`,
  "attributes in rows": () =>
    many((at) => `permit p${at} when ${row(() => "a", 500, ".")} == user`),
  "members of a variable in rows": () =>
    `${TOOL}${many((at) => `permit p${at} let x = args.x when x.${row(() => "a", 500, ".")} == 1`)}`,
  brackets: () => `permit p when ${nested(300_000, "(", ")", "true")}`,
  "lists in lists": () =>
    TOOL + many((at) => `permit p${at} when ${nested(60, "[", "]", "args.x")} == ${at}`),
  "in in in": () =>
    TOOL + many((at) => `permit p${at} when ${nested(60, "true in [", "]", "args.x > 1")}`),
  "if in if": () =>
    TOOL +
    many(
      (at) => `permit p${at} when ${nested(60, "if args.x > 1 then (", ") else false", "true")}`,
    ),
  "coalesce in coalesce": () =>
    TOOL + many((at) => `permit p${at} when ${nested(60, "(", " ?? 1)", "args.xs[0]")} > 1`),
  "index in index": () =>
    TOOL + many((at) => `permit p${at} when has ${nested(60, "args.xs[", "]", "0")}`),
  "equal in equal": () =>
    TOOL + many((at) => `permit p${at} when ${nested(60, "(true == ", ")", "args.xs[0]")}`),
  "not not": () => `permit p when ${"not ".repeat(200_000)}true`,
  "one list of everything": () => `${TOOL}permit p when args.x in [${row(String, 100_000)}]`,
  "lists of 10,000": () =>
    TOOL + many((at) => `permit p${at} when args.x in [${row(String, 9_999, ",")}]`),
  "a row of clauses": () => `${TOOL}permit p\n${many(() => "when has principal")}`,
  "rows of 9,000 clauses": () =>
    `tool t { effect read, args { ${row((at) => `a${at}: Int?`, 9_000)} } }\n${many(
      (rule) => `permit p${rule} tool t ${row((at) => `when has args.a${at}`, 9_000, " ")}`,
    )}`,
  "a chain of lets": () =>
    `${TOOL}permit p let a0 = args.x ${row((at) => `let a${at + 1} = a${at} + a${at}`, 9_000, "\n")} when a9000 > 1`,
  "lets of records that double": () =>
    `${TOOL}permit p let a0 = { x: args.x, y: args.x } let b0 = { x: args.x, y: args.x }\n${row(
      (at) => `let a${at + 1} = { x: a${at}, y: a${at} } let b${at + 1} = { x: b${at}, y: b${at} }`,
      40,
      "\n",
    )} when a40 == b40`,
  "functions that double": () =>
    `${TOOL}fn f0(x: Int): Int = x\n${many((at) => `fn f${at + 1}(x: Int): Int = f${at}(x) + f${at}(x)`, 60)}\npermit p when f60(1) > 1`,
  "a chain of functions": () =>
    `fn f0(x: Int): Int = x\n${many((at) => `fn f${at + 1}(x: Int): Int = f${at}(x) + 1`, 18_000)}\npermit p when f1000(1) > 1`,
  "a chain of functions, last first": () =>
    `${many((at) => `fn f${at}(x: Int): Int = f${at + 1}(x) + 1`, 18_000)}\npermit p when f0(1) > 1`,
  "functions in a circle": () =>
    many((at) => `fn f${at}(x: Int): Int = f${(at + 1) % 15_000}(x) + 1`, 15_000),
  "types that double": () =>
    `type T0 = { a: Int, b: Int }\n${many((at) => `type T${at + 1} = { a: T${at}, b: T${at} }`, 60)}\ntool t { effect read, args { x: T60 } }\npermit p when args.x == args.x`,
  "types that double, twice": () =>
    `type T0 = { a: Int, b: Int }\ntype U0 = { a: Int, b: Int }\n${many((at) => `type T${at + 1} = { a: T${at}, b: T${at} } type U${at + 1} = { a: U${at}, b: U${at} }`, 40)}\ntool t { effect read, args { x: T40, y: U40 } }\npermit p when args.x == args.y or args.x > 1`,
  "types in a chain": () =>
    `${many((at) => `type T${at} = List<T${at + 1}>`, 18_000)}\ntype T18000 = Int`,
  "types in a chain, first first": () =>
    `type T0 = Int\n${many((at) => `type T${at + 1} = List<T${at}>`, 18_000)}\ntool t { effect read, args { x: T15000 } } permit p when args.x == 1`,
  "a type of many members": () =>
    `tool t { effect read, args { ${row((at) => `a${at}: Int`, 9_000)} } }\n${many((at) => `permit p${at} tool t when args.a8999 > 1`, 10_000, SIZE / 2)}`,
  "attributes in many blocks": () =>
    many((block) => `principal { ${row((at) => `b${block}_${at}: Int`, 1_000, ",")} }`),
  "the same attributes in many blocks": () =>
    many(() => `principal { ${row((at) => `b${at}: Int`, 1_000, ",")} }`),
  "big unions": () =>
    `${["x", "y"].map((name) => `type ${name.toUpperCase()} = ${row((at) => `"${name}${at}"`, 9_000, "|")}`).join("\n")}
tool t { effect read, args { x: X, y: Y } }\n${many((at) => `permit p${at} when args.x == args.y`, 9_000, SIZE / 2)}`,
  "one union declared often": () =>
    `${["X", "Y"].map((name) => `type ${name} = ${row((at) => `"v${at}"`, 9_000, "|")}`).join("\n")}
tool t { effect read, args { x: X, y: Y } }\n${many((at) => `permit p${at} when args.x == args.y`, 9_000, SIZE / 2)}`,
  "many tasks, and readings of them": () =>
    many((at) => `task t${at} { limit calls <= 1 }`, 9_000, SIZE / 2) +
    many((at) => `permit p${at} when has intent.task and intent.task == "t1"`, 9_000, SIZE / 2),
  "many purposes, and readings of them": () =>
    many((at) => `purpose p${at}`, 9_000, SIZE / 3) +
    many(
      (at) => `permit r${at} purpose within p${at} when intent.purpose == p${at}`,
      9_000,
      SIZE / 2,
    ),
  "many labels, and readings of them": () =>
    `label ${row((at) => `l${at}`, 9_000, ",")}\n${TOOL}${many((at) => `permit r${at} when l${at % 9_000} in origin(args.s)`)}`,
  "long levels": () =>
    many((level) => `level L${level} = ${row((at) => `v${level}_${at}`, 9_000, "<")}`),
  "unknown names": () => TOOL + many((at) => `permit p${at} when unknwn${at} > argz.x`),
  "unknown names among many": () =>
    `label ${row((at) => `lab${at}`, 9_000, ",")}\n${many((at) => `permit p${at} when labx${at} == 1`)}`,
  "unknown tools": () =>
    many((at) => `tool tool${at} { effect read }`, 9_000, SIZE / 3) +
    many((at) => `permit p${at} tool toolx${at} when true`, 9_000, SIZE / 2),
  "unknown members": () => TOOL + many((at) => `permit p${at} tool t when args.y${at} == 1`),
  "the wrong words of a union": () =>
    `type X = ${row((at) => `"value${at}"`, 9_000, "|")}\ntool t { effect read, args { x: X } }\n${many((at) => `permit p${at} when args.x == "valux${at}"`)}`,
  "errors in one list": () => `${TOOL}permit p when args.x in [${row((at) => `nam${at}`, 9_999)}]`,
  "declared again": () => many(() => "permit p when true", 19_000),
  "sequences in sequences": () => `${TOOL}task a { sequence ((t{30}){30}){30} }`,
  "a sequence of nothing": () => `${TOOL}task a { sequence ((t{0}){999999999}){999999999} }`,
  "dense sequences": () => TOOL + many((at) => `task a${at} { sequence ((t?){900})+ }`, 9_000),
  "long sequences": () => TOOL + many((at) => `task a${at} { sequence t{1000} }`, 9_000),
  "sequences of long conditions": () =>
    TOOL +
    many(
      (at) => `task a${at} { sequence (t(${row(() => "args.x > 1", 250, " or ")})){1000} }`,
      300,
    ),
  "a sequence of every tool": () =>
    `${many((at) => `tool t${at} { effect read }`, 9_000, SIZE / 2)}\n${many((at) => `task a${at} { sequence effect read{1000} }`, 500, SIZE / 3)}`,
  alternatives: () => `${TOOL}task a { sequence ${row(() => "t", 200_000, "|")} }`,
  "counters with long keys": () =>
    `${TOOL}counter c = count allowed t per ${row(() => "args.x", 250, "+")}\n${many((at) => `permit p${at} tool t when c > ${at}`)}`,
  "limits of every counter": () =>
    TOOL +
    many((at) => `counter c${at} = count allowed t per session`, 4_000, SIZE / 3) +
    many((at) => `task a${at} { limit ${row((c) => `c${c} <= 1`, 100)} }`, 400, SIZE / 2),
  "loops in loops": () =>
    TOOL +
    many((at) => `permit p${at} when any a in args.xs: any b in args.xs: any c in args.xs: a > c`),
  tests: () => TOOL + many((at) => `test "t${at}" { when t { x: 1, s: "", xs: [1] } then deny }`),
  "one test with many steps": () =>
    `${TOOL}test "t" { ${many(() => 'when t { x: 1, s: "", xs: [1] } then deny')} }`,
  tags: () => many((at) => `permit p${at} tag ${row(() => '"a"', 9_000)}`),
  "levels of resources": () =>
    ORDER +
    many((at) => `resource r${at} { x: Int }`, 9_000, SIZE / 3) +
    many(
      (at) => `permit p${at} when has resource and resource.x > 1 and resource.sensitivity > low`,
      9_000,
      SIZE / 2,
    ),
};

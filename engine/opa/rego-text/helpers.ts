/**
 * Functions that Rego lacks, in Rego. What is unknown in Writ (SPEC §5.3) is undefined here, so each must be
 * undefined where its operator is unknown, and false, not undefined, where that is false.
 *
 * `not f(x)` is undefined where `x` is (OPA evaluates arguments outside of `not`): what may be undefined stands
 * behind `not` as a reference, never as an argument.
 */

export const HELPERS = {
  present: "# Whether there is a value: `false` is one too.\npresent(_) := true",
  given: "given(of, name) if name in object.keys(of)",
  or_default: [
    "or_default(sent, _) := sent if sent != null",
    "or_default(null, taken) := taken",
  ].join("\n\n"),
  outside: "outside(element, elements) if not element in elements",
  within: [
    "within(part, whole) if part == whole",
    'else := startswith(part, concat("", [whole, "."]))',
  ].join("\n\n"),
  within_path: [
    "within_path(path, folder) if path == folder",
    'else := startswith(path, "/") if folder == "/"',
    'else := regex.match("^[^/~]", path) if folder == "."',
    'else := startswith(path, concat("", [folder, "/"]))',
  ].join("\n\n"),
  host_within: [
    "host_within(host, domain) if host == domain",
    'else := false if domain == ""',
    'else := endswith(host, concat("", [".", domain]))',
  ].join("\n\n"),
  bounded:
    "# Beyond 2^53−1 no number is exact.\nbounded(number) := number if abs(number) <= 9007199254740991",
  added: "added(a, b) := bounded(a + b)",
  subtracted: "subtracted(a, b) := bounded(a - b)",
  multiplied: "multiplied(a, b) := bounded(a * b)",
  multiplied_dec: [
    "# Half to even.",
    "multiplied_dec(a, b) := bounded({true: -1, false: 1}[(a * b) < 0] * (down + up)) if {",
    "\trest := abs(a * b) % 10000",
    "\tdown := (abs(a * b) - rest) / 10000",
    "\tup := count([1 | rest > 5000]) + count([1 | rest == 5000; down % 2 == 1])",
    "}",
  ].join("\n"),
  total: [
    "# Undefined where adding them one by one leaves the exact numbers.",
    "total(numbers) := sum(numbers) if {",
    "\tevery at, _ in numbers {",
    "\t\tabs(sum(array.slice(numbers, 0, at + 1))) <= 9007199254740991",
    "\t}",
    "}",
  ].join("\n"),
  dec: "# Decimals are counted in ten-thousandths, so that they are exact.\ndec(number) := round(number * 10000)",
  ascii_lower: [
    "# Nothing but `A` to `Z` is made small.",
    'ascii_lower(text) := concat("", [small |',
    '\tsome letter in split(text, "")',
    "\tsmall := object.get(small_letters, letter, letter)",
    "])",
    "",
    `small_letters := {${[..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((letter) => `"${letter}": "${letter.toLowerCase()}"`).join(", ")}}`,
  ].join("\n"),
  words: 'words(text) := [word | some word in regex.split(`[ \\t\\r\\n]`, text); word != ""]',
  take: "take(list, most) := array.slice(list, 0, max([0, most]))",
  skip: "skip(list, least) := array.slice(list, max([0, least]), count(list))",
  neighbours: [
    "neighbours(list) := [pair |",
    "\tsome at, first in list",
    "\tat + 1 < count(list)",
    '\tpair := {"first": first, "second": list[at + 1]}',
    "]",
  ].join("\n"),
  zip: [
    "zip(left, right) := [pair |",
    "\tsome at, first in left",
    '\tpair := {"first": first, "second": right[at]}',
    "] if {",
    "\tcount(left) == count(right)",
    "}",
  ].join("\n"),
  email_local: 'email_local(email) := split(email, "@")[0]',
  email_domain: 'email_domain(email) := split(email, "@")[1]',

  // What a request may hold (SPEC §12.2). Each is undefined for what is refused.
  truth: "truth(x) := x if is_boolean(x)",
  integer: [
    "integer(x) := x if {",
    "\tis_number(x)",
    "\tx == round(x)",
    "\tabs(x) <= 9007199254740991",
    "}",
  ].join("\n"),
  number: "number(x) := x if is_number(x)",
  decimal: [
    "# A number or its text, with four digits behind the point, in ten-thousandths.",
    "decimal(x) := scaled if {",
    "\tis_number(x)",
    "\tabs(x) <= 549755813888",
    "\tscaled := round(x * 10000)",
    "\tscaled / 10000 == x",
    "}",
    "",
    "decimal(x) := scaled if {",
    "\tis_string(x)",
    "\tregex.match(`^-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,4})?$`, x)",
    "\tscaled := round(to_number(x) * 10000)",
    "\tabs(scaled) <= 9007199254740991",
    "}",
  ].join("\n"),
  trust: [
    "# From 0 to 1; finer digits are cut off, never rounded up.",
    "trust(x) := scaled if {",
    "\tis_number(x)",
    "\tx >= 0",
    "\tx <= 1",
    "\tscaled := floor(x * 10000)",
    "}",
  ].join("\n"),
  line: [
    "# OPA reads half a character as U+FFFD.",
    "line(x) := x if {",
    "\tis_string(x)",
    "\tcount(x) <= 1048576",
    '\tnot contains(x, "\\ufffd")',
    "}",
  ].join("\n"),
  id: [
    "# Latin letters alone: Rego cannot tell whether other text is in normal form C.",
    "id(x) := x if {",
    "\tis_string(x)",
    "\tcount(x) <= 1024",
    "\tregex.match(`^[\\x20-\\x7e\\x{a0}-\\x{ac}\\x{ae}-\\x{24f}]+$`, x)",
    "}",
  ].join("\n"),
  path: [
    "# In canonical form, of plain letters: nothing that would have to be resolved.",
    "path(x) := x if {",
    "\tis_string(x)",
    "\tcount(x) <= 4096",
    "\tregex.match(`^(/|/?\\.?[\\w+=@,-][\\w.+=@, -]*(/\\.?[\\w+=@,-][\\w.+=@, -]*)*)$`, x)",
    "}",
  ].join("\n"),
  email: [
    'email(x) := concat("@", [local, domain]) if {',
    "\tis_string(x)",
    '\t[local, written] := split(x, "@")',
    "\tdomain := ascii_lower(written)",
    "\tcount(local) <= 64",
    "\tregex.match(`^[A-Za-z0-9#$&'*+/=?^_\\x60{|}~-]+(\\.[A-Za-z0-9#$&'*+/=?^_\\x60{|}~-]+)*$`, local)",
    "\tcount(domain) <= 253",
    '\tevery label in split(domain, ".") {',
    "\t\tregex.match(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`, label)",
    "\t}",
    "}",
  ].join("\n"),
  ipv4: [
    "ipv4(x) := x if {",
    "\tis_string(x)",
    "\tregex.match(`^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\.|$)){4}$`, x)",
    '\tnot endswith(x, ".")',
    "}",
  ].join("\n"),
  party: [
    'party(x) := {"id": id(x)}',
    "",
    'party(x) := object.union({"id": id(x.id)}, {"kind": kind | kind := x.kind}) if {',
    "\tis_object(x)",
    '\tobject.keys(x) - {"id", "kind"} == set()',
    '\tobject.get(x, "kind", "human") in {"human", "workload", "autonomous"}',
    "}",
  ].join("\n"),
  anything: [
    "anything(x) := x if {",
    "\tdeep := [path | some path; walk(x, [path, _]); count(path) > 32]",
    "\tcount(deep) == 0",
    "\tforbidden := [path |",
    "\t\tsome path, value",
    "\t\twalk(x, [path, value])",
    "\t\tis_object(value)",
    '\t\tcount(object.keys(value) & {"__proto__", "constructor", "prototype"}) > 0',
    "\t]",
    "\tcount(forbidden) == 0",
    "}",
  ].join("\n"),
} as const satisfies Record<string, string>;

export type HelperName = keyof typeof HELPERS;

/** What a helper calls in turn. */
const CALLS: { readonly [name in HelperName]?: readonly HelperName[] } = {
  added: ["bounded"],
  subtracted: ["bounded"],
  multiplied: ["bounded"],
  multiplied_dec: ["bounded"],
  email: ["ascii_lower"],
  party: ["id"],
};

/** In the order of the table, with what they call. */
export function helperTexts(used: ReadonlySet<HelperName>): readonly string[] {
  const all = new Set([...used].flatMap((name) => [name, ...(CALLS[name] ?? [])]));
  return (Object.keys(HELPERS) as HelperName[])
    .filter((name) => all.has(name))
    .map((name) => HELPERS[name]);
}

/** Requests that are not quite what they were. */
import type { Random } from "./random.ts";
import type { Sent } from "./support.ts";

/** Some members changed, now and then some bytes, now and then a header. */
export function damage(value: unknown, random: Random): Sent & { readonly body: Buffer } {
  for (let count = random.below(3); count > 0; count -= 1) mutateValue(value, random);
  let body: Buffer = Buffer.from(JSON.stringify(value));
  for (let count = random.below(4) === 0 ? 1 + random.below(3) : 0; count > 0; count -= 1) {
    body = mutateBytes(body, random);
  }
  const headers = random.below(12) === 0 ? random.pick(HEADERS) : {};
  return { body, headers };
}

const HEADERS: readonly Record<string, string>[] = [
  { host: "evil.example" },
  { origin: "null" },
  { "content-type": "text/plain" },
  { "content-type": "application/json; charset=utf-16" },
  { "content-encoding": "gzip" },
  { "x-request-id": "\r\nx: y".trim() },
  { "content-length": "1" },
  { "x-forwarded-host": "localhost" },
];

const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  100,
  100.0001,
  101,
  1e21,
  5e-324,
  2 ** 53,
  "",
  " ",
  "0",
  "1",
  "true",
  "null",
  "100",
  "1e3",
  "NaN",
  "allow",
  "\u0000",
  "\u202eadmin",
  "\ufeff",
  "é",
  "e\u0301",
  "😀",
  "x".repeat(300),
  "../..",
  "*",
  [],
  [[]],
  [null],
  [1, "1"],
  ["assistants"],
  {},
  { id: "x" },
  { $ne: null },
  { toString: 1 },
  { length: 1 },
];
const NAMES = [
  "id",
  "kind",
  "agent",
  "Agent",
  "AGENT",
  "tool",
  "args",
  "amount",
  "Amount",
  "extra",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "",
  "id ",
  "verified",
  "approved",
  "decision",
  "attested",
  "\u0000",
  "0",
];

/** Changes one member somewhere below `value`. */
function mutateValue(value: unknown, random: Random): void {
  if (typeof value !== "object" || value === null) return;
  const members = value as Record<string, unknown>;
  const names = Object.keys(members);
  const name = names.length === 0 ? "0" : random.pick(names);
  const member = members[name];
  if (typeof member === "object" && member !== null && random.below(4) > 0) {
    mutateValue(member, random);
    return;
  }
  const added = random.pick(NAMES);
  switch (random.below(5)) {
    case 0:
      delete members[name];
      break;
    case 1:
      Object.defineProperty(members, added, {
        value: structuredClone(random.pick(ODD)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    case 2:
      delete members[name];
      Object.defineProperty(members, added, {
        value: member,
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    default:
      members[name] = structuredClone(random.pick(ODD));
  }
}

const PIECES = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\u0000",
  "\n",
  " ",
  "0",
  "9",
  "e",
  "-",
  ".",
  "\\u0000",
  "\\ud800",
  "null",
  '"agent":{},',
  '"tool":{"name":"x"},',
  '"amount":1,',
  "/**/",
  "\ufeff",
  "1e999",
  "99999999999999999999",
].map((text) => Buffer.from(text));

function mutateBytes(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const until = Math.min(bytes.length, at + random.below(8));
  const [before, cut, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, until),
    bytes.subarray(until),
  ];
  switch (random.below(6)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, cut, cut, after]);
    case 2:
      return Buffer.concat([before, random.pick(PIECES), cut, after]);
    case 3:
      return Buffer.concat([before, Buffer.of(random.below(256)), bytes.subarray(at + 1)]);
    case 4:
      return before;
    default:
      return Buffer.concat([bytes, random.pick(PIECES)]);
  }
}

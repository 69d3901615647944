import { isUtf8 } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JsonFaultCode, pointerTo, readJson } from "../../engine/json.ts";
import { parseJsonText } from "../../engine/json-text.ts";
import { JSON_LIMITS, type JsonLimits } from "../../engine/limits.ts";

/** What is not linear takes minutes at these sizes; a busy machine pauses for seconds. */
const HANG_MS = 10_000;

const read = (text: string | Uint8Array, limits?: Partial<JsonLimits>) =>
  readJson(typeof text === "string" ? Buffer.from(text) : text, { ...JSON_LIMITS, ...limits });

function readValue(text: string | Uint8Array): unknown {
  const reading = read(text);
  if (!reading.ok) throw new Error(`refused: ${JSON.stringify(reading.fault)}`);
  return reading.value;
}

function faultOf(text: string | Uint8Array, limits?: Partial<JsonLimits>): string {
  const reading = read(text, limits);
  if (reading.ok) return "accepted";
  const { code, at } = reading.fault;
  return `${code} ${at.offset} ${at.pointer}`.trimEnd();
}

function expectNothingInherited(json: unknown): void {
  const from: unknown = Object.getPrototypeOf(json);
  expect(Reflect.ownKeys(Object(from))).toEqual([]);
  expect(Object.isFrozen(from)).toBe(true);
  expect(Object.getPrototypeOf(from)).toBe(null);
}

describe("what is read", () => {
  test.each<[string, unknown]>([
    ["null", null],
    ["true", true],
    [" \t\r\n false \n", false],
    ["0", 0],
    ["-0", 0],
    ["-0.0", 0],
    ["-0e5", 0],
    ["0e999999", 0],
    ["-1", -1],
    ["98.7", 98.7],
    ["98.70", 98.7],
    ["1.0", 1],
    ["1e3", 1000],
    ["1E+2", 100],
    ["1e-7", 1e-7],
    ["0.000001", 0.000001],
    ["123e65", 123e65],
    ["1e21", 1e21],
    ["1E22", 1e22],
    ["5e-324", 5e-324],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["0.30000000000000004", 0.30000000000000004],
    ["123456789012345.6", 123456789012345.6],
    ["0.00000000000000000000000000000000012", 1.2e-34],
    ["1200000000000.00000000000000000000000", 1200000000000],
    ["9007199254740991", 9007199254740991],
    ["-9007199254740991", -9007199254740991],
    ['""', ""],
    ['"a"', "a"],
    ['"twelve chars"', "twelve chars"],
    ['"thirteen char"', "thirteen char"],
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'],
    ['"a\\u0000b"', "a\u0000b"],
    ['"\\u00E9\\u00e9"', "éé"],
    ['"\\ud83d\\ude00"', "😀"],
    ['"😀é\u2028\u2029\u007f"', "😀é\u2028\u2029\u007f"],
    ['"\ufeff"', "\ufeff"], // inside a string it is a character like any other
    ['"é\\n😀\\t"', "é\n😀\t"],
    ["[]", []],
    ["[ ]", []],
    ["[1,[2,[3]],4]", [1, [2, [3]], 4]],
    ["{}", {}],
    ["{ }", {}],
    ['{"a":{"b":[{}]}}', { a: { b: [{}] } }],
    [' { "a" : 1 , "b" : [ 1 , 2 ] } ', { a: 1, b: [1, 2] }],
    ['{"":1}', { "": 1 }],
    ['{"é":1,"e\u0301":2}', { é: 1, "e\u0301": 2 }],
    ['{"a":1,"A":2}', { a: 1, A: 2 }],
    ['{"2":1,"1":2,"01":3}', { "1": 2, "2": 1, "01": 3 }],
    [
      '{"toString":1,"hasOwnProperty":2,"__proto":3}',
      { toString: 1, hasOwnProperty: 2, __proto: 3 },
    ],
    ['["__proto__","constructor"]', ["__proto__", "constructor"]],
    ['{"length":1,"valueOf":null}', { length: 1, valueOf: null }],
  ])("%s", (text, value) => {
    expect(JSON.stringify(readValue(text))).toBe(JSON.stringify(value));
    if (typeof value !== "object") expect(readValue(text)).toBe(value);
  });

  test("objects inherit nothing, at any depth", () => {
    const value = readValue('{"a":[{"b":{}}]}') as { a: { b: object }[] };
    for (const object of [value, value.a[0], value.a[0]?.b]) expectNothingInherited(object);
  });

  test("keys of one length, or that share a place among those kept, stay apart", () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `key-${at.toString(36)}`);
    const text = (own: readonly string[]) => `{${own.map((name) => `"${name}":1`).join(",")}}`;
    for (let at = 0; at < names.length; at += 20) {
      const own = names.slice(at, at + 20);
      expect(Object.keys(readValue(text(own)) as object)).toEqual(own);
    }
    const long = "n".repeat(40);
    expect(Object.keys(readValue(text([long, `${long}n`])) as object)).toEqual([long, `${long}n`]);
  });

  test.each<[string, string]>([
    ["a key like what is between keys", '{"a\\":1,\\"b":2}'],
    ["a key whose characters are the bytes of another", '{"Ã©":1}'],
    ["a key that was spelled with escapes", '{"\\u0061":1,"b":2}'],
    ["members in another order", '{"b":1,"a":2}'],
    ["one member less", '{"b":2}'],
    ["the end of the object sooner", '{"a":1}'],
    ["deeper ones", '{"a":{"a":{"b":1}},"é":[{"b":1},{"a":2}]}'],
  ])("is read alike after %s", (_, before) => {
    const texts = ['{"a":1,"b":2}', '{"é":1}', '{"a":{"b":{}},"c":[{"a":1},{"b":2}]}', before];
    for (const text of [...texts, ...texts, before, before]) {
      expect(JSON.stringify(readValue(text))).toBe(JSON.stringify(JSON.parse(text)));
    }
  });

  test("no key that is expected is a duplicate", () => {
    for (const text of ['{"a":1,"b":1,"c":1}', '{"b":1,"a":1}', '{"b":1,"c":1,"a":1}']) read(text);
    expect(faultOf('{"a":1,"b":1,"a":1}')).toBe("duplicate_key 13 /a");
    expect(faultOf('{"b":1,"a":1,"b":1}')).toBe("duplicate_key 13 /b");
    expect(faultOf('{"b":1,"a":1,"b":1}')).toBe("duplicate_key 13 /b");
    expect(faultOf('{"a":1,"b":1,"c":1,"a":1}')).toBe("duplicate_key 19 /a");
  });

  test("a part of a larger buffer", () => {
    expect(readValue(Buffer.from('xx{"a":"b"}yy').subarray(2, 11))).toEqual({ a: "b" });
  });
});

describe("what is refused, and where", () => {
  test.each<[string, string]>([
    // duplicate and forbidden keys
    ['{"a":1,"a":1}', "duplicate_key 7 /a"],
    ['{"a":1,"b":2,"a":null}', "duplicate_key 13 /a"],
    ['{"a":null,"\\u0061":1}', "duplicate_key 10 /a"],
    ['{"x":[{"a":1},{"a":1,"a":2}]}', "duplicate_key 21 /x/1/a"],
    ['{"":1,"":2}', "duplicate_key 6 /"],
    ['{"1":1,"1":2}', "duplicate_key 7 /1"],
    ['{"a/b~":1,"a/b~":2}', "duplicate_key 10 /a~1b~0"],
    ['{"agent":{"id":"a","id":"b"}}', "duplicate_key 19 /agent/id"],
    ['{"__proto__":{"admin":true}}', "forbidden_key 1 /__proto__"],
    ['{"\\u005f_proto__":1}', "forbidden_key 1 /__proto__"],
    ['{"tool":{"args":{"constructor":{}}}}', "forbidden_key 17 /tool/args/constructor"],
    ['[{"prototype":1}]', "forbidden_key 2 /0/prototype"],
    // numbers
    ["9007199254740992", "number_out_of_range 0"],
    ["-9007199254740992", "number_out_of_range 0"],
    ['{"n":9007199254740993}', "number_out_of_range 5 /n"],
    ["9007199254740993.0", "number_out_of_range 0"],
    ["9007199254740993e0", "number_out_of_range 0"],
    ["1e20", "number_out_of_range 0"], // JSON.stringify would spell it out
    ["1000000000000000000000", "number_out_of_range 0"],
    ["1.00000000000000000001e22", "number_inexact 0"],
    ["1e400", "number_out_of_range 0"],
    ["[1,-1e400]", "number_out_of_range 3 /1"],
    ["1.8e308", "number_out_of_range 0"],
    ["1e-400", "number_inexact 0"],
    ["0.10000000000000001", "number_inexact 0"],
    ["100.00000000000000001", "number_inexact 0"],
    ["0.99999999999999999999", "number_inexact 0"],
    ["01", "trailing_content 1"],
    ["-01", "trailing_content 2"],
    ["00", "trailing_content 1"],
    ["-", "syntax 1"],
    ["+1", "syntax 0"],
    ["1.", "syntax 2"],
    [".5", "syntax 0"],
    ["1e", "syntax 2"],
    ["1e+", "syntax 3"],
    ["0x10", "trailing_content 1"],
    ["1_000", "trailing_content 1"],
    ["1n", "trailing_content 1"],
    ["NaN", "syntax 0"],
    ["nan", "syntax 0"],
    ["-NaN", "syntax 1"],
    ["Infinity", "syntax 0"],
    ["-Infinity", "syntax 1"],
    ["１", "syntax 0"], // full-width digit
    // strings
    ['"\\ud800"', "lone_surrogate 1"],
    ['"\\udc00"', "lone_surrogate 1"],
    ['"\\ud800\\ud800"', "lone_surrogate 1"],
    ['"\\udc00\\ud800"', "lone_surrogate 1"],
    ['"\\ud800x"', "lone_surrogate 1"],
    ['"\\ud800\\n"', "lone_surrogate 1"],
    ['{"\\ud800":1}', "lone_surrogate 2"],
    ['"\\ud800\\u00zz"', "invalid_escape 7"],
    ['"\\u12"', "invalid_escape 1"],
    ['"\\u{61}"', "invalid_escape 1"],
    ['"\\x61"', "invalid_escape 1"],
    ['"\\a"', "invalid_escape 1"],
    ['"\\', "invalid_escape 1"],
    ['"\\"', "syntax 3"],
    ['"\\U0061"', "invalid_escape 1"],
    ['"a\nb"', "control_character 2"],
    ['"a\tb"', "control_character 2"],
    ['"\u0000"', "control_character 1"],
    ['"\\n\u001f"', "control_character 3"],
    ['{"a\u0001":1}', "control_character 3"],
    ['"abc', "syntax 4"],
    ["'a'", "syntax 0"],
    ["`a`", "syntax 0"],
    // structure
    ["", "syntax 0"],
    ["  ", "syntax 2"],
    ["{", "syntax 1"],
    ["[", "syntax 1 /0"],
    ["[1", "syntax 2 /0"],
    ["[1,", "syntax 3 /1"],
    ["[1,]", "syntax 3 /1"],
    ["[,1]", "syntax 1 /0"],
    ["[1 2]", "syntax 3 /0"],
    ["[1}", "syntax 2 /0"],
    ['{"a"}', "syntax 4"],
    ['{"a":}', "syntax 5 /a"],
    ['{"a":1,}', "syntax 7"],
    ['{"a":1 "b":2}', "syntax 7 /a"],
    ['{"a":1]', "syntax 6 /a"],
    ["{a:1}", "syntax 1"],
    ["{1:1}", "syntax 1"],
    ['{"a"=1}', "syntax 4"],
    ["tru", "syntax 0"],
    ["True", "syntax 0"],
    ["nul", "syntax 0"],
    ["undefined", "syntax 0"],
    ["truefalse", "trailing_content 4"],
    ["{}{}", "trailing_content 2"],
    ['{"a":1}\u0000', "trailing_content 7"],
    ["[]\n,", "trailing_content 3"],
    ["// comment\n1", "syntax 0"],
    ["/**/1", "syntax 0"],
    ["1 # one", "trailing_content 2"],
    ["\u00a01", "syntax 0"],
    ["\u20281", "syntax 0"],
    ["\u000b1", "syntax 0"],
    ["\ufeff{}", "byte_order_mark 0"],
    ["\u001e{}", "syntax 0"], // JSON text sequence
  ])("%j", (text, fault) => {
    expect(faultOf(text)).toBe(fault);
    expect(faultOf(text)).toBe(fault); // also where it is known what comes
  });

  test.each<[string, number[], string]>([
    ["byte of Latin-1", [0x22, 0xe9, 0x22], "invalid_utf8 1"],
    ["lone continuation", [0x22, 0x61, 0x80, 0x22], "invalid_utf8 2"],
    ["overlong slash", [0x22, 0xc0, 0xaf, 0x22], "invalid_utf8 1"],
    ["surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22], "invalid_utf8 1"],
    ["beyond U+10FFFF", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], "invalid_utf8 1"],
    ["cut short", [0x22, 0xc3], "invalid_utf8 1"],
    ["begun and not ended", [0x22, 0x61, 0xef], "invalid_utf8 2"],
    ["begun as U+FFFD is", [0x22, 0xef, 0xbf, 0x22], "invalid_utf8 1"],
    ["after U+FFFD", [0x22, 0xef, 0xbf, 0xbd, 0xff, 0x22], "invalid_utf8 4"],
    ["UTF-16 with byte order mark", [0xff, 0xfe, 0x7b, 0, 0x7d, 0], "invalid_utf8 0"],
    ["UTF-16 without", [0x7b, 0, 0x7d, 0], "syntax 1"],
    ["byte order mark alone", [0xef, 0xbb, 0xbf], "byte_order_mark 0"],
  ])("bytes: %s", (_, bytes, fault) => {
    expect(faultOf(Uint8Array.from(bytes))).toBe(fault);
  });

  test("two byte order marks are no better than one", () => {
    expect(faultOf("\ufeff\ufeff{}")).toBe("byte_order_mark 0");
  });
});

describe("limits", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const nestedObjects = (depth: number) => '{"a":'.repeat(depth) + 0 + "}".repeat(depth);
  const items = (count: number) => `[${Array(count).fill("0").join()}]`;
  const members = (count: number) =>
    `{${Array.from({ length: count }, (_, index) => `"k${index}":0`).join()}}`;
  const values = (count: number) => {
    // The outer array, then arrays of 100 values each (themselves included), then the rest.
    const full = Array(Math.floor((count - 1) / 100)).fill(items(99));
    return `[${[...full, ...Array((count - 1) % 100).fill("0")].join()}]`;
  };
  const bytes = (count: number) => `"${"x".repeat(count - 2)}"`;

  test.each<[string, (count: number) => string, number, JsonFaultCode]>([
    ["nested arrays", nested, JSON_LIMITS.depth, "too_deep"],
    ["nested objects", nestedObjects, JSON_LIMITS.depth, "too_deep"],
    ["items", items, JSON_LIMITS.memberCount, "too_many_members"],
    ["members", members, JSON_LIMITS.memberCount, "too_many_members"],
    ["values", values, JSON_LIMITS.valueCount, "too_many_values"],
    ["bytes", bytes, JSON_LIMITS.byteCount, "too_large"],
  ])("%s", (_, build, limit, code) => {
    expect(faultOf(build(limit - 1))).toBe("accepted");
    expect(faultOf(build(limit))).toBe("accepted");
    expect(faultOf(build(limit + 1))).toMatch(new RegExp(`^${code} `));
  });

  test("a reader of something else may set its own", () => {
    expect(faultOf("[[0]]", { depth: 1 })).toBe("too_deep 1 /0");
    expect(faultOf("[0,0,0]", { memberCount: 2 })).toBe("too_many_members 5 /2");
    expect(faultOf("[0,0,0]", { valueCount: 3 })).toBe("too_many_values 5 /2");
    expect(faultOf("[0,0]", { byteCount: 4 })).toBe("too_large 4");
  });

  test.each<[string, string]>([
    ["open brackets", "[".repeat(65_000)],
    ["open objects", '{"a":'.repeat(13_000)],
    ["escapes", `"${"\\n".repeat(32_000)}"`],
    ["escaped pairs", `"${"\\ud83d\\ude00".repeat(5_000)}"`],
    ["digits", `1${"0".repeat(65_000)}`],
    ["zeros around a digit", `0.${"0".repeat(32_000)}1${"0".repeat(32_000)}`],
    ["exponent", `1e${"9".repeat(65_000)}`],
    ["spaces", " ".repeat(65_000)],
    [
      "long equal prefixes",
      `{${Array.from({ length: 60 }, (_, i) => `"${"k".repeat(1_000)}${i}":0`)}}`,
    ],
    ["lone surrogates", `"${"\\ud800".repeat(10_000)}"`],
  ])("64 KiB of %s take no time to speak of", (_, text) => {
    const start = performance.now();
    read(text);
    expect(performance.now() - start).toBeLessThan(HANG_MS);
  });
});

describe("beside JSON.parse", () => {
  const runs = Number(process.env.WRIT_JSON_RUNS ?? 100_000);
  const spaces = fc.constantFrom("", "", "", " ", "\n\t");
  // Text in all its spellings: raw, escaped where it need not be, beyond the basic plane.
  const stringText = fc
    .array(
      fc.oneof(
        fc.string({ maxLength: 20 }).map((text) => JSON.stringify(text).slice(1, -1)),
        fc
          .string({ unit: "grapheme", maxLength: 4 })
          .map((text) => JSON.stringify(text).slice(1, -1)),
        fc.constantFrom(
          "\\u0041",
          "\\/",
          "\\ud83d\\ude00",
          "\\ud800",
          "\\uDBFF\\uDFFF",
          "é",
          "\\u00e9",
        ),
      ),
      { maxLength: 3 },
    )
    .map((parts) => `"${parts.join("")}"`);
  const numberText = fc.oneof(
    fc.integer().map(String),
    fc.maxSafeInteger().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc
      .tuple(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.nat(30),
        fc.integer({ min: -330, max: 330 }),
      )
      .map(([digits, fraction, exponent]) => `${digits}.${fraction}e${exponent}`),
    fc.constantFrom("-0", "0.0", "1e400", "-1E+2", "9007199254740993", "01", "1."),
  );
  const keyText = fc.oneof(
    fc.constantFrom('"a"', '"b"', '"\\u0061"', '"constructor"', '"toString"', '"1"'),
    stringText,
  );
  const { document } = fc.letrec<{ document: string }>((tie) => ({
    document: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.constantFrom("null", "true", "false"),
      numberText,
      stringText,
      fc
        .tuple(fc.array(tie("document"), { maxLength: 5 }), spaces)
        .map(([items, space]) => `[${space}${items.join(`${space},`)}]`),
      fc
        .tuple(fc.array(fc.tuple(keyText, tie("document")), { maxLength: 5 }), spaces)
        .map(
          ([members, space]) =>
            `{${members.map(([k, v]) => `${k}${space}:${space}${v}`).join()}${space}}`,
        ),
    ),
  }));
  // One document in four is damaged in one place.
  const damaged = fc
    .tuple(
      document,
      fc.nat(),
      fc.constantFrom("", ",", "}", "]", '"', "0", "\\", "\u0001", ":"),
      fc.nat(3),
    )
    .map(([text, at, by, dice]) => {
      if (dice > 0) return text;
      const place = at % (text.length + 1);
      return (text.slice(0, place) + by + text.slice(place + 1)).toWellFormed();
    });

  test("what is accepted reads the same, and what it refuses is refused", {
    timeout: 120_000,
  }, () => {
    let accepted = 0;
    fc.assert(
      fc.property(damaged, (text) => {
        const reading = read(text);
        const theirs = parsed(text);
        if (reading.ok) {
          accepted += 1;
          // JSON.stringify spells −0 as 0.
          expect(JSON.stringify(reading.value)).toBe(JSON.stringify(theirs.value));
          expect(JSON.stringify(readValue(JSON.stringify(reading.value)))).toBe(
            JSON.stringify(reading.value),
          );
        } else if (reading.fault.code === "syntax" || reading.fault.code === "trailing_content") {
          expect(theirs.ok).toBe(false);
        }
        if (!theirs.ok) expect(reading.ok).toBe(false);
      }),
      { numRuns: runs },
    );
    expect(accepted).toBeGreaterThan(runs / 3);
  });

  test("any bytes at all are read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reading = readJson(bytes);
        if (reading.ok) return;
        expect(reading.fault.at.offset).toBeGreaterThanOrEqual(0);
        expect(reading.fault.at.offset).toBeLessThanOrEqual(bytes.length);
        if (reading.fault.code !== "invalid_utf8") return;
        expect(isUtf8(bytes.subarray(0, reading.fault.at.offset))).toBe(true);
      }),
      { numRuns: runs / 10 },
    );
  });

  function parsed(text: string): { ok: boolean; value?: unknown } {
    try {
      return { ok: true, value: parseJsonText(text) };
    } catch {
      return { ok: false };
    }
  }
});

test("a JSON pointer escapes what it is made of", () => {
  expect(pointerTo([])).toBe("");
  expect(pointerTo(["a/b", "c~d", 0, ""])).toBe("/a~1b/c~0d/0/");
});

describe("JSONTestSuite", () => {
  const url = new URL("../../../shared/data/vectors/json-parsing.jsonl", import.meta.url);
  const file = process.env.WRIT_JSON_VECTORS ?? fileURLToPath(url);
  const isThere = existsSync(file);
  if (!isThere) console.warn(`JSONTestSuite is not run: ${file} is not there`);

  // Valid JSON that two readers would read differently.
  const STRICTER = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];
  // Of what a reader may change, these we read, and change nothing.
  const UNCHANGED = [
    "transform/number_1.0.json",
    "transform/number_1000000000000000.json",
    "transform/number_1e6.json",
    "transform/object_key_nfc_nfd.json",
    "transform/object_key_nfd_nfc.json",
    "transform/string_with_escaped_NULL.json",
  ];

  test.runIf(!isThere && process.env.CI !== undefined)("its inputs are there", () => {
    expect.fail(`${file} is not there`);
  });

  test.runIf(isThere)(
    "every input is read or refused as it says, and what is left open is refused",
    () => {
      const inputs = readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { name: string; expect: string; base64: string });
      expect(inputs.length).toBe(340);
      const wrong = inputs.filter(({ name, expect: expected, base64 }) => {
        const isAccepted = read(Buffer.from(base64, "base64")).ok;
        const accepts = expected === "accept" ? !STRICTER.includes(name) : UNCHANGED.includes(name);
        return isAccepted !== accepts;
      });
      expect(wrong.map(({ name }) => name)).toEqual([]);
    },
  );
});

import { runInThisContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJsonText } from "../../engine/json-text.ts";

/** Of what JSON text stands for there is another reader at hand, which V8's reader of JSON has no part in. */
const asJavaScript = (text: string): unknown => runInThisContext(`(${text})`);

const spelled = (value: unknown) => JSON.stringify(value);

test("a key with an escape is never taken for one that was read before it", () => {
  for (const spelling of ["\\n", '\\"', "\\/", "\\u0061", "\\u005C"]) {
    parseJsonText('{"first":0,"\\\\":0}');
    const key = asJavaScript(`"${spelling}"`);
    expect(parseJsonText(`{"first":0,"${spelling}":1}`)).toEqual({ first: 0, [String(key)]: 1 });
  }
  expect(parseJsonText('{"first":0,"\\\\u0":1}')).toEqual({ first: 0, "\\u0": 1 });
  expect(parseJsonText('{"first":0,"\\u0061bc":1}')).toEqual({ first: 0, abc: 1 });
});

describe("any JSON text", () => {
  const space = fc.constantFrom("", "", " ", "\n\t\r ");
  const letter = fc.constantFrom(
    "a",
    "1",
    "é",
    "😀",
    "\\\\",
    "\\n",
    '\\"',
    "\\/",
    "\\u0061",
    "\\uD83D",
  );
  const stringText = fc.array(letter, { maxLength: 3 }).map((letters) => `"${letters.join("")}"`);
  const { document } = fc.letrec<{ document: string }>((tie) => ({
    document: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      fc.constantFrom(
        "null",
        "true",
        "false",
        "0",
        "-1.50",
        "1e400",
        "2E-3",
        "12345678901234567890",
      ),
      stringText,
      fc
        .tuple(space, fc.array(tie("document"), { maxLength: 4 }))
        .map(([gap, items]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`),
      fc
        .tuple(space, fc.array(fc.tuple(stringText, tie("document")), { maxLength: 4 }))
        .map(([gap, members]) => {
          const texts = members.map(([key, value]) => `${key}${gap}:${gap}${value}`);
          return `{${gap}${texts.join(`${gap},${gap}`)}${gap}}`;
        }),
    ),
  }));

  test("is read as JavaScript reads it", () => {
    fc.assert(
      fc.property(document, (text) => {
        const read = parseJsonText(text);
        const theirs = asJavaScript(text);
        expect(spelled(read)).toBe(spelled(theirs));
        expect(read).toEqual(theirs);
      }),
      { numRuns: 20_000 },
    );
  });

  test("is taken or refused as JSON.parse does", () => {
    const broken = fc
      .tuple(document, fc.nat(), fc.constantFrom("", ",", "}", "]", '"', "\\", ":", "\n"))
      .map(([text, at, by]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + by + text.slice(place + 1);
      });
    const isRead = (read: () => unknown) => {
      try {
        read();
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        return false;
      }
    };
    let refused = 0;
    fc.assert(
      fc.property(broken, (text) => {
        const isTaken = isRead(() => parseJsonText(text));
        expect(isTaken).toBe(isRead(() => JSON.parse(text)));
        if (!isTaken) refused += 1;
      }),
      { numRuns: 5_000 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

test("`__proto__` is a member like others", () => {
  const read = parseJsonText('{"__proto__":{"\\u0061":1},"\\u005f_proto__":2}') as object;
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(Object.entries(read)).toEqual([["__proto__", 2]]);
});

test("numbers become what they are told to, by their spelling", () => {
  const read = parseJsonText('{"a":[1.50,-0,"1\\n"],"b":1e2,"c":null}', (number) => `<${number}>`);
  expect(read).toEqual({ a: ["<1.50>", "<-0>", "1\n"], b: "<1e2>", c: null });
});

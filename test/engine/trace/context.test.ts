import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTraceContext } from "../../../engine/trace/context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const GOOD = `00-${TRACE}-${PARENT}-01`;

function stateOf(tracestate: string | string[]): string | undefined {
  return readTraceContext({ traceparent: GOOD, tracestate })?.state;
}

describe("traceparent", () => {
  test.each([
    [GOOD, true],
    [`00-${TRACE}-${PARENT}-00`, false],
    [`00-${TRACE}-${PARENT}-03`, true], // level 2: the trace id is random
    [`00-${TRACE}-${PARENT}-fe`, false],
    [`cc-${TRACE}-${PARENT}-01`, true],
    [`cc-${TRACE}-${PARENT}-01-what-the-future-says`, true],
  ])("%s is read", (traceparent, isSampled) => {
    const context = { traceId: TRACE, parentId: PARENT, isSampled, state: "" };
    expect(readTraceContext({ traceparent })).toEqual(context);
  });

  test.each([
    ["nothing", ""],
    ["version ff", `ff-${TRACE}-${PARENT}-01`],
    ["more than version 00 has", `${GOOD}-more`],
    ["more without a dash", `cc-${TRACE}-${PARENT}-01.`],
    ["capitals", GOOD.toUpperCase()],
    ["a trace of zeros", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["a parent of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["a short trace", `00-${TRACE.slice(1)}-${PARENT}-01`],
    ["a long parent", `00-${TRACE}-${PARENT}0-01`],
    ["one digit of flags", `00-${TRACE}-${PARENT}-1`],
    ["no digits", `00-${TRACE.replace("0", "g")}-${PARENT}-01`],
    ["spaces", ` ${GOOD}`],
    ["a line", `${GOOD}\n`],
    ["a second line", `cc-${TRACE}-${PARENT}-01-a\nb`],
    ["two of them", `${GOOD}, ${GOOD}`],
  ])("%s is none", (_what, traceparent) => {
    expect(readTraceContext({ traceparent })).toBeUndefined();
  });

  test("two headers are none", () => {
    expect(readTraceContext({ traceparent: [GOOD, GOOD] })).toBeUndefined();
  });

  test("what is read is nothing but hexadecimal digits, whatever comes", () => {
    const anyHeader = fc.oneof(
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/),
    );
    fc.assert(
      fc.property(anyHeader, (traceparent) => {
        const context = readTraceContext({ traceparent });
        if (context === undefined) return;
        expect(context.traceId).toMatch(/^[0-9a-f]{32}$/);
        expect(context.parentId).toMatch(/^[0-9a-f]{16}$/);
      }),
    );
  });
});

describe("tracestate", () => {
  test.each([
    ["a=1", "a=1"],
    ["a=1,\tb=2 , ,c=3", "a=1,b=2,c=3"],
    [["a=1", "b=2"], "a=1,b=2"],
    ["fw529a3039@dt=FfAa:1!,*1a-_/*=x", ""], // a key begins with a letter or a digit
    ["fw529a3039@dt=FfAa:1!,1a-_/*=x", "fw529a3039@dt=FfAa:1!,1a-_/*=x"],
  ])("%j is kept", (given, kept) => {
    expect(stateOf(given)).toBe(kept);
  });

  test.each([
    ["no value", "a"],
    ["an empty value", "a="],
    ["an empty key", "=1"],
    ["capitals in a key", "A=1"],
    ["a second =", "a=1=2"],
    ["a key twice", "a=1,b=2,a=3"],
    ["a tenant without a system", "a@=1"],
    ["a system that begins with a digit", "a@1=1"],
    ["a control character", "a=1\u00002"],
    ["letters beyond ASCII", "a=é"],
    ["33 members", Array.from({ length: 33 }, (_, at) => `a${at}=1`).join(",")],
    ["a key of 257", `${"a".repeat(257)}=1`],
    ["a value of 257", `a=${"1".repeat(257)}`],
    ["513 characters", `a=${"1".repeat(254)},b=${"1".repeat(254)}`],
  ])("%s is left out, and the trace is joined all the same", (_what, tracestate) => {
    expect(stateOf(tracestate)).toBe("");
  });

  test("512 characters are kept", () => {
    const state = `a=${"1".repeat(254)},b=${"1".repeat(253)}`;
    expect(state).toHaveLength(512);
    expect(stateOf(state)).toBe(state);
  });

  test("without a trace it is nobody's", () => {
    expect(readTraceContext({ tracestate: "a=1" })).toBeUndefined();
  });
});

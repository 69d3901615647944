import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BUILTINS } from "../../../engine/opa/builtins/index.ts";
import { EVALUATION_LIMITS, MODULE_LIMITS } from "../../../engine/opa/limits.ts";

const SPEC = readFileSync(new URL("../../../SPEC.md", import.meta.url), "utf8");
const between = (from: string, to: string) =>
  SPEC.slice(SPEC.indexOf(from), SPEC.indexOf(to, SPEC.indexOf(from)));

test("SPEC §5.9.1 lists the builtins that are supplied", () => {
  const rows = between("#### 5.9.1", "Patterns take time").matchAll(/^\| \w+ \| (`.*`) \|$/gm);
  const listed = [...rows].flatMap(([, names = ""]) => names.replaceAll("`", "").split(" "));
  expect(listed.toSorted()).toEqual([...BUILTINS.keys()].sort());
});

test("nothing that reaches out or signs is supplied", () => {
  const reaching = /^(?:http|net\.lookup|opa\.runtime|providers|io\.jwt\.encode|rego)/;
  expect([...BUILTINS.keys()].filter((name) => reaching.test(name))).toEqual([]);
});

test("SPEC §5.9 says the bounds", () => {
  const text = between("### 5.9 Imported modules", "#### 5.9.1");
  const { functionCount, bodyBytes, localCount, blockDepth, tableSize } = MODULE_LIMITS;
  expect(text).toContain(
    `${functionCount.toLocaleString("en")} functions of ${bodyBytes / 1024} KiB, ${localCount.toLocaleString("en")} locals and ${blockDepth} nested blocks each, one table of ${tableSize.toLocaleString("en")}`,
  );
  expect(text).toContain(`| uses | ${(MODULE_LIMITS.memoryPages * 64) / 1024} MiB of memory |`);
  expect(text).toContain(
    `within ${EVALUATION_LIMITS.deadlineMs} ms (\`--module-deadline\`), in ${EVALUATION_LIMITS.result.byteCount / 1024} KiB`,
  );
});

/** Addresses as the `opa` program reads them: what each of these gave in OPA 1.22.2. */
import { expect, test } from "vitest";
import { BUILTINS } from "../../../engine/opa/builtins/index.ts";
import { parseRego, RegoSet } from "../../../engine/opa/rego.ts";
import { contextAtNoon } from "./modules.ts";

test.each([
  ["net.cidr_contains_matches", '["10.0.0.0/8", "::ffff:10.0.0.1"]', 1],
  ["net.cidr_contains_matches", '["::ffff:10.0.0.0/104", "10.0.0.1"]', 1],
  ["net.cidr_contains_matches", '["10.0.0.0/08", "10.0.0.1"]', 1],
  ["net.cidr_contains_matches", '["::/0", "::ffff:10.0.0.1"]', 0],
  ["net.cidr_contains_matches", '["::/0", "::fffe:10.0.0.1"]', 1],
  ["net.cidr_merge", '[["::ffff:10.0.0.0/104", "10.0.0.0/8"]]', 1],
])("%s of %s has so many elements", (name, args, count) => {
  const [first, second] = parseRego(args) as readonly never[];
  const found = BUILTINS.get(name)?.([first, second] as never, contextAtNoon());
  expect(found).toBeInstanceOf(RegoSet);
  expect((found as RegoSet).elements.size).toBe(count);
});

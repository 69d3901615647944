import { expect, test } from "vitest";
import { sensitivityAmong } from "../../../engine/state/sensitivity.ts";

test("the highest counts; a level that a policy does not have is as high as its highest", () => {
  expect(sensitivityAmong([], ["a", "b"])).toBe(0);
  expect(sensitivityAmong(["a"], ["a", "b"])).toBe(0);
  expect(sensitivityAmong(["a", "b"], ["a", "x", "b", "y"])).toBe(2);
  expect(sensitivityAmong(["b", "a"], ["b", "a"])).toBe(1);
  expect(sensitivityAmong(["a", "c"], ["a", "b"])).toBe(1);
  expect(sensitivityAmong(["a"], [])).toBe(0);
});

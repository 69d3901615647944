import { expect, test } from "vitest";
import { withOpen } from "../../../cli/serve/open.ts";

test("what is open is closed the latest first, once all is done", async () => {
  const closed: string[] = [];
  const result = await withOpen(async (keep) => {
    keep("audit", (one) => void closed.push(one));
    keep("state", async (one) => void closed.push(one));
    expect(closed).toEqual([]);
    return "done";
  });
  expect({ result, closed }).toEqual({ result: "done", closed: ["state", "audit"] });
});

test("what could be opened is closed where something later could not, or cannot be closed", async () => {
  const closed: string[] = [];
  const opening = withOpen(async (keep) => {
    keep("audit", (one) => void closed.push(one));
    keep("state", () => {
      throw new Error("it cannot be closed");
    });
    keep("grants", (one) => void closed.push(one));
    throw new Error("the port is taken");
  });
  await expect(opening).rejects.toThrow("the port is taken");
  expect(closed).toEqual(["grants", "audit"]);
});

test("what cannot be closed is told where nothing else went wrong, and keeps nothing else open", async () => {
  const closed: string[] = [];
  const run = withOpen(async (keep) => {
    keep("audit", (one) => void closed.push(one));
    keep("state", () => {
      throw new Error("it cannot be closed");
    });
  });
  await expect(run).rejects.toThrow("it cannot be closed");
  expect(closed).toEqual(["audit"]);
});

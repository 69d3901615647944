import { expect, test } from "vitest";
import { moreSensitive, sensitivityAmong } from "../../../engine/state/sensitivity.ts";
import { ContractDriver } from "./contract.ts";
import { IN_MEMORY, ON_SQLITE, RESTARTED } from "./stores.ts";

const BEFORE = "public < internal < secret";
const MORE = "public < internal < private < secret";
const OTHERS = "public < internal < private < confidential";

function policy(levels: string, rule = ""): string {
  return `
    level Sensitivity = ${levels}
    resource file {}
    tool read { effect read }
    tool send { effect write }
    permit anything
    ${rule}`;
}

/** Where what is of the highest level must not leave. */
function strict(levels: string): string {
  const most = levels.split(" < ").at(-1);
  return policy(levels, `forbid leaking tool send when session.sensitivity >= ${most}`);
}

test.each([IN_MEMORY, ON_SQLITE, RESTARTED])(
  "what a session was returned is as sensitive under a policy with other levels: $name",
  async ({ start }) => {
    const started = await start({});
    const driver = new ContractDriver(started);
    const read = (id: string, sensitivity: string) =>
      driver.call(
        "read",
        {},
        { session: { id }, resource: { type: "file", id: "f", sensitivity } },
      );
    const sends = async (...ids: readonly string[]) => {
      const answers = [];
      for (const id of ids) answers.push(await driver.ask("send", {}, { session: { id } }));
      return answers;
    };
    await driver.under(policy(BEFORE));
    await driver.report(await read("told", "secret"), "ok");
    await driver.report(await read("low", "internal"), "ok");
    const open = await read("late", "secret");
    const unsorted = await read("unsorted", "secret");
    for (const levels of [MORE, OTHERS]) {
      await driver.under(strict(levels));
      expect(await sends("told", "low")).toEqual(["forbidden", "allow"]);
    }
    await driver.report(open, "ok");
    await driver.report(await read("told", "public"), "ok");
    await driver.under("tool read { effect read }\npermit anything");
    const plain = await driver.call("read", {}, { session: { id: "told" } });
    await driver.report(plain, "ok");
    await driver.report(unsorted, "ok");
    await driver.under(strict(MORE));
    expect(await sends("late", "told", "unsorted")).toEqual([
      "forbidden",
      "forbidden",
      "forbidden",
    ]);
    expect(await sends("low")).toEqual(["allow"]);
    await started.stop();
  },
);

test("a level that a policy does not have is its highest; one that it has is that one", () => {
  const before = ["a", "b", "c"];
  const among = (sensitivity: number, wanted: readonly string[]) =>
    sensitivityAmong({ sensitivity, levels: before }, wanted);
  expect([0, 1, 2].map((position) => among(position, before))).toEqual([0, 1, 2]);
  expect([0, 1, 2].map((position) => among(position, ["a", "x", "b", "y"]))).toEqual([0, 2, 3]);
  expect(among(2, [])).toBe(0);
  expect(sensitivityAmong({ sensitivity: 2 }, ["a"])).toBe(2);
});

test("the higher of two is told in the levels asked for, and where there are none as it was", () => {
  const one = { sensitivity: 1, levels: ["a", "b", "c"] };
  const other = { sensitivity: 1, levels: ["a", "c"] };
  expect(moreSensitive(one, other, ["a", "b", "c"])).toEqual({ ...one, sensitivity: 2 });
  expect(moreSensitive(one, other, [])).toEqual({ ...one, sensitivity: 2 });
  expect(moreSensitive(other, one, ["a", "c"])).toBe(other);
  expect(moreSensitive(one, { sensitivity: 0 }, ["x"])).toBe(one);
  expect(moreSensitive({ sensitivity: 0 }, other, [])).toEqual(other);
});

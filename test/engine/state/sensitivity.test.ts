import { expect, test } from "vitest";
import { sensitivityAmong } from "../../../engine/state/sensitivity.ts";
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

test.each([IN_MEMORY, ON_SQLITE, RESTARTED])(
  "what was told under several policies is as sensitive as the highest of it: $name",
  async ({ start }) => {
    const started = await start({});
    const driver = new ContractDriver(started);
    const read = async (id: string, sensitivity: string) => {
      const resource = { type: "file", id: "f", sensitivity };
      await driver.report(await driver.call("read", {}, { session: { id }, resource }), "ok");
    };
    const sends = (id: string) => driver.ask("send", {}, { session: { id } });
    const sensitive = "forbid leaking tool send when session.sensitivity >= internal";
    await driver.under(policy("internal < private"));
    await read("lowest", "internal");
    await read("both", "internal");
    await driver.under(policy("public < secret"));
    await read("both", "secret");
    await read("public", "public");
    await driver.under(policy("public < internal < secret", sensitive));
    expect([await sends("lowest"), await sends("public")]).toEqual(["forbidden", "allow"]);
    await driver.under(strict("public < internal < secret"));
    expect([await sends("lowest"), await sends("both")]).toEqual(["allow", "forbidden"]);
    await started.stop();
  },
);

test("the highest counts; a level that a policy does not have is as high as its highest", () => {
  expect(sensitivityAmong([], ["a", "b"])).toBe(0);
  expect(sensitivityAmong(["a"], ["a", "b"])).toBe(0);
  expect(sensitivityAmong(["a", "b"], ["a", "x", "b", "y"])).toBe(2);
  expect(sensitivityAmong(["b", "a"], ["b", "a"])).toBe(1);
  expect(sensitivityAmong(["a", "c"], ["a", "b"])).toBe(1);
  expect(sensitivityAmong(["a"], [])).toBe(0);
});

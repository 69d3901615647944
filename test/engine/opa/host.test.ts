import { expect, test } from "vitest";
import { readAnswer } from "../../../engine/opa/answer.ts";
import { openModule } from "../../../engine/opa/open.ts";
import { assemble, call, IMPORTED, i32 } from "./assemble.ts";
import { AUTHZ, asking, contextAtNoon, moduleNamed } from "./modules.ts";

function evaluated(name: string, input: string, source = AUTHZ, reuse = false): unknown {
  const host = openModule(source, { reuse });
  const entrypoint = host.described.entrypoints.get(name);
  if (entrypoint === undefined) throw new Error(`no ${name}`);
  return readAnswer(host.evaluate(entrypoint, Buffer.from(input), contextAtNoon()));
}

test.each([false, true])("it decides by its input and its data (instance kept: %s)", (reuse) => {
  const read = asking("read_file");
  expect(evaluated("authz/allow", read, AUTHZ, reuse)).toEqual({ kind: "defined", value: true });
  const send = asking("send_money");
  expect(evaluated("authz/allow", send, AUTHZ, reuse)).toEqual({ kind: "defined", value: false });
  expect(evaluated("authz/sometimes", send, AUTHZ, reuse)).toEqual({ kind: "undefined" });
});

test("one host answers many, each by itself", () => {
  for (const reuse of [true, false]) {
    const host = openModule(AUTHZ, { reuse });
    const answers = ["read_file", "send_money", "read_file"].map((tool) =>
      host.evaluate(0, Buffer.from(asking(tool)), contextAtNoon()),
    );
    expect(answers).toEqual(['[{"result":true}]', '[{"result":false}]', '[{"result":true}]']);
  }
});

test("what is asked for comes through whole", () => {
  const args = {
    text: 'é "\\\u0000😀 \n',
    list: [1, 2.5, null, { a: [] }],
    big: 9_007_199_254_740_991,
  };
  const answer = evaluated("authz/echo", asking("read_file", args));
  expect(answer).toEqual({ kind: "defined", value: JSON.parse(asking("read_file", args)) });
});

test("a module that wants the network is refused by name", () => {
  const forbidden = () => openModule({ wasm: moduleNamed("forbidden") }, { reuse: false });
  expect(forbidden).toThrow("`http.send`");
});

test("a module that keeps something begins each evaluation without it, unless it is trusted", () => {
  // Counts in a global how often it was asked, and gives up from the second time on.
  const counting = [0x23, 2, 0x04, 0x40, ...i32(0), ...call(IMPORTED.opa_abort), 0x0b];
  const wasm = assemble({ bodies: { opa_eval: [...counting, ...i32(1), 0x24, 2, ...i32(1024)] } });
  const twice = (reuse: boolean) => {
    const host = openModule({ wasm }, { reuse });
    host.evaluate(0, Buffer.from("{}"), contextAtNoon());
    return host.evaluate(0, Buffer.from("{}"), contextAtNoon());
  };
  expect(twice(false)).toBe('[{"result":true}]');
  expect(() => twice(true)).toThrow("gave up");
});

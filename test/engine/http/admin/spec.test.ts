import { expect, test } from "vitest";
import { tableOf } from "../../../support/tables.ts";
import { send } from "../support.ts";
import { administered } from "./support.ts";

function words(cell: string | undefined): readonly string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}

/** The members that SPEC lists in the first column of a table. */
function membersOf(column: string): readonly string[] {
  return tableOf(column, "holds")
    .flatMap((row) => words(row[column]))
    .sort();
}

async function busy() {
  const admin = administered();
  await admin.call("s", "look", {}, { intent: { task: "errand" } });
  await admin.call("s", "pay", { amount: 1 });
  await admin.call("s", "boom");
  return admin;
}

test("SPEC §12.10 lists what operators can ask", async () => {
  const { app } = await busy();
  const listed = tableOf("operator asks", "answer")
    .map((row) => words(row["operator asks"])[0]?.replace(/\?.*/, ""))
    .sort();
  const { resources } = (await send(app, { path: "/", method: "GET" })).json();
  const served = resources.map(({ method, path }: Record<string, string>) => `${method} ${path}`);
  expect(listed).toEqual(served.filter((one: string) => one !== "GET /").sort());
});

test("SPEC §12.10 lists the members of state", async () => {
  const { app } = await busy();
  const state = (await send(app, { path: "/state", method: "GET" })).json();
  expect(Object.keys(state).sort()).toEqual(membersOf("member of state"));
});

test("SPEC §12.10 lists the members of a session", async () => {
  const { app } = await busy();
  const session = (await send(app, { path: "/session?id=s", method: "GET" })).json();
  expect(Object.keys(session).sort()).toEqual(membersOf("member of a session"));
  const { sessions } = (await send(app, { path: "/sessions", method: "GET" })).json();
  expect(Object.keys(session)).toEqual(expect.arrayContaining(Object.keys(sessions[0])));
});

test("every member that SPEC names of a part of state is there", async () => {
  const { app } = await busy();
  const state = (await send(app, { path: "/state", method: "GET" })).json();
  const session = (await send(app, { path: "/session?id=s", method: "GET" })).json();
  const holds = (column: string, member: string) =>
    words(tableOf(column, "holds").find((row) => words(row[column])[0] === member)?.holds);
  const [counter] = state.counters;
  const counterMembers = [...Object.keys(counter), ...Object.keys(counter.highest[0])];
  // `since` is there where a store knows it, `null` is no member.
  const told = (member: string) =>
    holds("member of state", member).filter((word) => !/^(?:since|null)$/.test(word));
  expect([...counterMembers].sort()).toEqual([...told("counters")].sort());
  expect(Object.keys(state.latches[0]).sort()).toEqual([...told("latches")].sort());
  // `policy` takes another policy than the one in force: the contract of stores has it.
  const ofTasks = holds("member of a session", "tasks").filter((word) => word !== "policy");
  expect(Object.keys(session.tasks[0]).sort()).toEqual([...ofTasks].sort());
  const tallied = [...Object.keys(state.decisions), ...Object.keys(state.decisions.total)];
  expect([...tallied].sort()).toEqual([...holds("member of state", "decisions")].sort());
});

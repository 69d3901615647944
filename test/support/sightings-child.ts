/** A process that decides on a Redis until it is killed, and tells of each call that was allowed: `URL FILE`. */
import { openSightings } from "../../engine/state/redis/sightings.ts";
import { programOf } from "./engine.ts";
import { replicaOf } from "./shared.ts";

const [, , url = "", file = ""] = process.argv;
const program = programOf(`
  tool pay { effect write }
  counter paid = count allowed pay per agent
  permit pay tool pay when paid < 1000000
`);
const sightings = openSightings(file, "test");
const replica = await replicaOf(program, url, { sightings });

const decide = async (): Promise<void> => {
  for (;;) {
    if ((await replica.ask("pay")) === "allow") process.send?.("allowed");
  }
};
await Promise.all(Array.from({ length: 8 }, decide));

/** A process of a fleet: asks for many calls at once when it is told to, and says how many were allowed. */
import { programOf } from "./engine.ts";
import { replicaOf } from "./shared.ts";

const [url = "", policy = ""] = process.argv.slice(2);
const replica = await replicaOf(programOf(policy), url);

process.on("message", async ({ agent, count }: { agent: string; count: number }) => {
  const asked = Array.from({ length: count }, () =>
    replica.ask("pay", { amount: 1 }, { agent: { id: agent } }),
  );
  const answers = await Promise.all(asked);
  process.send?.(answers.filter((answer) => answer === "allow").length);
});
process.send?.("ready");

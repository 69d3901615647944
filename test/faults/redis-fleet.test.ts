/** More than one Redis: a cluster of three nodes, and a replica that takes over from a primary. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { programOf } from "../support/engine.ts";
import { describeRedis, startRedis, type TestRedis } from "../support/redis.ts";
import {
  type Front,
  startCluster,
  startFront,
  type TestCluster,
} from "../support/redis-cluster.ts";
import { type Replica, replicaOf } from "../support/shared.ts";

const PROGRAM = programOf(`
  tool pay { effect write, args { amount: Decimal } }
  tool send { effect send, args { to: String } }
  tool check { effect execute }
  counter spend = sum args.amount of allowed pay per agent within 1h
  counter people = distinct args.to of allowed send per session within 1h
  latch checked = completed check per session
  task errand { sequence check, pay+ }
  permit pay tool pay when spend + args.amount <= 3.00
  permit send tool send when people < 3
  permit check tool check
  forbid early tool pay when has session and not checked
`);
const MINUTE = 60_000;

const replicas: Replica[] = [];
afterEach(() => {
  for (const replica of replicas.splice(0)) replica.close();
});

async function replicaOn(url: string): Promise<Replica> {
  const replica = await replicaOf(PROGRAM, url, { settleMs: 50, timeoutMs: 1_000 });
  replicas.push(replica);
  return replica;
}

const pay = (replica: Replica, amount: number) => replica.ask("pay", { amount });

/** Asks until the answer is another than `state_unavailable`. */
async function whenBack(replica: Replica, amount: number): Promise<string> {
  for (let tries = 0; tries < 1_000; tries++) {
    const answer = await pay(replica, amount);
    if (answer !== "state_unavailable") return answer;
    await pause(10);
  }
  return "state_unavailable";
}

describeRedis("a Redis Cluster of three nodes", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
  }, MINUTE);
  afterAll(() => cluster.stop());

  const nodeAt = (index: number): TestRedis => {
    const node = cluster.nodes[index];
    if (node === undefined) throw new Error("there is no such node");
    return node;
  };
  let names = 0;
  /** A namespace that nobody used, whose keys this node has. */
  const namespaceOn = async (node: number): Promise<string> => {
    for (;;) {
      const namespace = `n${names++}`;
      if ((await cluster.placeOf(namespace)).node === node) return namespace;
    }
  };
  const urlOf = (node: number, namespace: string) =>
    `redis://127.0.0.1:${nodeAt(node).port}/${namespace}`;
  const keysOn = async (node: number, namespace: string) =>
    (await nodeAt(node).command("KEYS", `writ:{${namespace}}:*`)) as string[];

  test("has all that one namespace keeps in one slot", async () => {
    const namespace = await namespaceOn(0);
    const replica = await replicaOn(urlOf(0, namespace));
    const task = { session: { id: "s{1}" }, intent: { task: "errand" } };
    const check = await replica.call("check", {}, task);
    await replica.engine.outcome({ call: check.call, status: "ok" });
    expect(await replica.ask("pay", { amount: 1 }, task)).toBe("allow");
    expect(await replica.ask("send", { to: "ann" }, { session: { id: "s{1}" } })).toBe("allow");
    const keys = await keysOn(0, namespace);
    const slotOf = (key: string) => nodeAt(0).command("CLUSTER", "KEYSLOT", key);
    expect(keys.length).toBeGreaterThan(8);
    expect(new Set(await Promise.all(keys.map(slotOf))).size).toBe(1);
  });

  test("has namespaces on different nodes, whichever node is named", async () => {
    for (const owner of [0, 1, 2]) {
      const namespace = await namespaceOn(owner);
      const asked = [0, 1, 2].map((node) => replicaOn(urlOf(node, namespace)));
      for (const replica of await Promise.all(asked)) expect(await pay(replica, 1)).toBe("allow");
      for (const node of [0, 1, 2]) {
        const count = (await keysOn(node, namespace)).length;
        expect(count > 0, `node ${node} of namespace on ${owner}`).toBe(node === owner);
      }
      expect(await pay(await replicaOn(urlOf(0, namespace)), 1)).toBe("not_permitted");
    }
  });

  test(
    "a slot that moves to another node: nothing is decided on a part of it, and all is there",
    async () => {
      const namespace = await namespaceOn(0);
      const replica = await replicaOn(urlOf(2, namespace));
      expect(await pay(replica, 2)).toBe("allow");
      const { slot } = await cluster.placeOf(namespace);
      const [from, to] = [nodeAt(0), nodeAt(1)];
      const [fromId, toId] = [
        await from.command("CLUSTER", "MYID"),
        await to.command("CLUSTER", "MYID"),
      ];
      const setSlot = (node: TestRedis, ...words: unknown[]) =>
        node.command("CLUSTER", "SETSLOT", String(slot), ...words.map(String));
      await setSlot(to, "IMPORTING", fromId);
      await setSlot(from, "MIGRATING", toId);
      const keys = await keysOn(0, namespace);
      for (const key of keys.sort()) {
        expect(["not_permitted", "state_unavailable"]).toContain(await pay(replica, 2));
        const target = ["127.0.0.1", String(to.port), key, "0", "5000"];
        expect(await from.command("MIGRATE", ...target)).toBe("OK");
      }
      expect(await pay(replica, 2)).toBe("state_unavailable");
      for (const node of [to, from, nodeAt(2)]) await setSlot(node, "NODE", toId);
      expect(await whenBack(replica, 2)).toBe("not_permitted");
      expect(await pay(replica, 1)).toBe("allow");
      expect(await keysOn(0, namespace)).toEqual([]);
    },
    MINUTE,
  );

  // The last one: the node does not come back.
  test(
    "a node that is gone takes its own namespaces with it, and no others",
    async () => {
      const [here, there] = [await namespaceOn(1), await namespaceOn(2)];
      const [staying, leaving] = [
        await replicaOn(urlOf(0, here)),
        await replicaOn(urlOf(0, there)),
      ];
      expect([await pay(staying, 2), await pay(leaving, 2)]).toEqual(["allow", "allow"]);
      await nodeAt(2).kill();
      expect(await pay(leaving, 1)).toBe("state_unavailable");
      expect(leaving.engine.readiness()).toMatchObject({ ready: false });
      expect([await pay(staying, 2), await pay(staying, 1)]).toEqual(["not_permitted", "allow"]);
    },
    MINUTE,
  );
});

describeRedis("a replica that takes over", () => {
  const started: { servers: TestRedis[]; front?: Front } = { servers: [] };
  afterEach(async () => {
    started.front?.stop();
    for (const server of started.servers.splice(0)) await server.stop();
  });

  const begin = async () => {
    const [primary, follower] = [await startRedis(), await startRedis()];
    started.servers.push(primary, follower);
    await follower.command("REPLICAOF", "127.0.0.1", String(primary.port));
    const isLinked = async () =>
      String(await follower.command("INFO", "replication")).includes("master_link_status:up");
    for (let tries = 0; tries < 2_000 && !(await isLinked()); tries++) await pause(10);
    const front = await startFront(primary);
    started.front = front;
    return { primary, follower, front, replica: await replicaOn(front.url) };
  };
  /** As Sentinel would, or whoever is on call. */
  const promote = async (follower: TestRedis) => {
    expect(await follower.command("REPLICAOF", "NO", "ONE")).toBe("OK");
  };

  test(
    "with all that was acknowledged: nobody is asked, and limits hold",
    async () => {
      const { primary, follower, front, replica } = await begin();
      expect(await pay(replica, 2)).toBe("allow");
      // `WAIT` speaks of the connection that it comes by: another change, and all before it is there as well.
      const log = async (server: TestRedis) =>
        String(await server.command("HGET", "writ:{test}:meta", "writes"));
      for (
        let tries = 0;
        tries < 2_000 && (await log(primary)) !== (await log(follower));
        tries++
      ) {
        await pause(10);
      }
      await primary.kill();
      expect(await pay(replica, 1)).toBe("state_unavailable");
      await promote(follower);
      front.leadTo(follower);
      expect(await whenBack(replica, 2)).toBe("not_permitted");
      expect(await pay(replica, 1)).toBe("allow");
    },
    MINUTE,
  );

  test(
    "before it is one: it takes no changes, and is not trusted",
    async () => {
      const { follower, front, replica } = await begin();
      expect(await pay(replica, 2)).toBe("allow");
      front.leadTo(follower);
      for (let tries = 0; tries < 50; tries++) {
        expect(await pay(replica, 1)).toBe("state_unavailable");
        await pause(10);
      }
      expect(JSON.stringify(replica.engine.readiness())).toContain("is a replica");
    },
    MINUTE,
  );

  test(
    "without the last that was acknowledged: that is noticed, and nobody goes on",
    async () => {
      const { primary, follower, front, replica } = await begin();
      expect(await pay(replica, 1)).toBe("allow");
      // Cut off from the primary, which answers on: what it acknowledges from here on, only it has.
      await promote(follower);
      expect(await pay(replica, 2)).toBe("allow");
      await primary.kill();
      front.leadTo(follower);
      const lost = () => follower.command("HGET", "writ:{test}:meta", "lost");
      for (let tries = 0; tries < 1_000 && (await lost()) === null; tries++) {
        expect(await pay(replica, 2)).toBe("state_unavailable");
        await pause(10);
      }
      expect(await lost()).toBe("changes that were acknowledged are missing");
      expect(await pay(replica, 2)).toBe("state_unavailable");
      await expect(replicaOn(front.url)).rejects.toThrow("has lost state");
    },
    MINUTE,
  );
});

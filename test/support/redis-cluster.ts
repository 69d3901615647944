/** Redis servers of a test's own that know of one another: a cluster; and one way to whichever of them leads. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, startRedis, type TestRedis } from "./redis.ts";

const SLOTS = 16_384;

export interface TestCluster {
  readonly nodes: readonly TestRedis[];
  /** Which of them has the keys of this namespace, and in which slot. */
  placeOf(namespace: string): Promise<{ readonly node: number; readonly slot: number }>;
  stop(): Promise<void>;
}

/** Nodes without replicas, each with its share of the slots. */
export async function startCluster(count: number): Promise<TestCluster> {
  const nodes = await Promise.all(Array.from({ length: count }, startNode));
  const share = Math.ceil(SLOTS / count);
  for (const [index, { redis }] of nodes.entries()) {
    const last = Math.min(SLOTS, (index + 1) * share) - 1;
    await redis.command("CLUSTER", "ADDSLOTSRANGE", String(index * share), String(last));
    await redis.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
  }
  const [first, ...others] = nodes;
  for (const { redis, busPort } of others) {
    const ports = [String(redis.port), String(busPort)];
    await first?.redis.command("CLUSTER", "MEET", "127.0.0.1", ...ports);
  }
  for (const { redis } of nodes) await isReady(redis, count);
  return {
    nodes: nodes.map(({ redis }) => redis),
    async placeOf(namespace) {
      const key = `writ:{${namespace}}:meta`;
      const slot = Number(await first?.redis.command("CLUSTER", "KEYSLOT", key));
      return { slot, node: Math.floor(slot / share) };
    },
    stop: async () => {
      await Promise.all(nodes.map(({ redis }) => redis.stop()));
    },
  };
}

async function startNode() {
  // A port of its own, since the usual one is ten thousand above the other, which may be none.
  const busPort = await freePort();
  const settings = ["--cluster-port", String(busPort), "--cluster-node-timeout", "5000"];
  const redis = await startRedis([
    ...["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"],
    ...settings,
  ]);
  return { redis, busPort };
}

async function isReady(redis: TestRedis, count: number): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    const info = String(await redis.command("CLUSTER", "INFO"));
    const isWhole = info.includes(`cluster_size:${count}`) && info.includes(`_nodes:${count}`);
    if (isWhole && info.includes("cluster_state:ok")) return;
    await pause(10);
  }
  throw new Error("the nodes do not come together");
}

/** What stands before several servers and leads to one of them, as a name or a proxy does. */
export interface Front {
  readonly url: string;
  /** From now on; whoever is connected is cut off. */
  leadTo(redis: TestRedis): void;
  stop(): void;
}

export async function startFront(redis: TestRedis): Promise<Front> {
  let { port } = redis;
  const open = new Set<Socket>();
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const server: Server = createServer((socket) => {
    const behind = connect(port, "127.0.0.1");
    for (const end of [socket, behind]) {
      open.add(end);
      end.on("close", () => open.delete(end));
    }
    socket.on("error", () => behind.destroy()).on("close", () => behind.destroy());
    behind.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `redis://127.0.0.1:${own}/test`,
    leadTo(next) {
      port = next.port;
      cut();
    },
    stop() {
      cut();
      server.close();
    },
  };
}

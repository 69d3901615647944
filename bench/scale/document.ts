/** Results as text: `docs/scaling.md`. Whatever is a figure in it was measured, or is calculated here from one that was. */
import type { Speed } from "../bare-script.ts";
import { origin, significant, table, whole } from "../report/text.ts";
import type { Footprint, ScaleResults, Shared, Titled } from "./results.ts";

export function document(results: ScaleResults): string {
  const { machine, inProcess, served, shared, bareScript, footprints, seconds } = results;
  return `# What it carries

${origin("npm run bench:scale", machine, seconds, [`Redis ${machine.redis}`])}

Every decision reads and reserves two counters and reads a latch. In one process and on Redis it is also a step of a task's
sequence, and its outcome is reported after it; a service over HTTP is asked for decisions alone. Processor time is what to plan
with: it says what a core carries whoever else is on the machine.

## One process

${table(
  [
    "64 calls in each turn of the event loop, with outcomes",
    "calls/s",
    "p50 µs",
    "p99 µs",
    "CPU µs each",
  ],
  inProcess.map(({ title, ...speed }) => [title, ...speedCells(speed), significant(speed.cpuUs)]),
)}

${table(
  ["`writ serve`, 64 connections", "decisions/s", "p50 ms", "p99 ms", "CPU µs each"],
  served.map(({ title, perSecond, p50Us, p99Us, cpuUs }) => [
    title,
    whole(perSecond),
    milli(p50Us),
    milli(p99Us),
    significant(cpuUs),
  ]),
)}

Times in the first table are of a decision until it is made; processor time has its share of writing and of its outcome. A
service's latency at full load is mostly waiting: 64 connections ask again as soon as they are answered.

${oneProcess(results)}

## One machine, and several on one Redis

${table(
  ["processes", "calls/s, with outcomes", "p50 µs", "p99 µs", "CPU µs each", "of Redis, µs each"],
  [
    ...shared.map(({ processCount, cpuUs, redisCpuUs, ...speed }) => [
      String(processCount),
      ...speedCells(speed),
      significant(cpuUs),
      significant(redisCpuUs),
    ]),
    ["a bare script, 1", ...speedCells(bareScript), "", ""],
  ],
)}

Each process has 64 calls in flight, and people of its own; times are of a decision, and of several processes those of the
slowest. A call is two round trips: its decision and its outcome. The bare script reads twelve keys and writes one, with as
many arguments. Processes and Redis share the ${machine.cores} cores of this machine: where more processes carry no more, that is why.

${together(results)}

## Keys

Bytes of one key, with what stands around it: measured over 50,000 keys of agents with ids of up to 33 letters, each used once.

${table(
  ["", "in memory", "in the file", "in Redis"],
  footprints.map(({ kind, memory, file, redis }) => [
    kind,
    whole(memory),
    whole(file),
    whole(redis),
  ]),
)}

A window has up to 33 buckets: in memory there is room for all of them from the beginning; in the file and in Redis each that is not
empty adds about ten bytes. ${keys(footprints)}

## Past what was measured

- **Redis Cluster.** All keys of a namespace are in one slot, so that one step can check and keep whatever a decision
  rests on: a namespace is carried by one node, on one core. More is carried by more namespaces, each with processes of
  its own (\`--state redis://…/NAMESPACE\`), which Cluster spreads over its nodes: ${whole(3 * mostOf(shared))} calls/s on three, by
  the figures above. Counters of different namespaces do not add up, so divide by what no limit crosses: tenants,
  teams. A process may name any node, and goes on to the one that has its namespace; while a slot is moved, what is in
  it is out of reach, and afterwards it is asked for where it is. Run with three nodes of Redis 7.0, whose speed was not measured
  (\`test/faults/redis-fleet.test.ts\`). The node that a process names must be there when it connects.
- **Valkey** is asked the same commands, and was not measured. Threads for I/O take reading and writing of sockets from the one that
  runs scripts, there and in Redis (\`io-threads\`).
- **Several versions at once.** The script is kept in the server under the name of its text. An old version's stays there, some
  30 kB, until somebody says \`FUNCTION DELETE\`.
- **Failover.** Redis copies to replicas after it has answered: what was acknowledged in the last moments can be missing from a replica
  that takes over. The first process that has seen more finds that, also one that was started since on the same disk, and whatever needs
  state is denied until an operator confirms ([SPEC §7.6](../SPEC.md)); where nothing is missing, decisions go on by themselves. Run
  with a replica that is promoted by hand behind a proxy that is led to it. Sentinel was not run, and is not asked: give a name or a
  proxy that leads to the one that leads.
  \`appendonly yes\` and \`appendfsync always\` lose nothing at a restart; \`everysec\` may lose a second, which is found out in the same way.
- **Several regions.** A round trip to another region would be part of every decision, and its outage everybody's. Give each
  region a Redis of its own and a share of each limit, as a constant of its policy, such that the shares sum up to the limit:
  it is then held whatever becomes of the lines between them, and what one region leaves unused is of no use to another. To
  move a share, publish the lower one first, wait until it is in force and a window has passed, then the higher one; of a
  counter without a window only what is not used yet can move. A session, a latch or an interruption is known in its own
  region: keep a session where it began. This is reasoned, and was not run.

## Run it

\`\`\`sh
npm run bench:scale              # all of this, about two minutes; needs redis-server
npm run bench:scale -- --quick   # a quarter of it, writes nothing
\`\`\`
`;
}

function oneProcess({ served }: ScaleResults): string {
  const last = served.findLast(({ title }) => title.includes("file"));
  if (last === undefined) return "";
  const each = perCore(last.cpuUs);
  return `So a service that keeps state in a file and records what it decides uses a core up at about ${whole(each)} decisions/s (a million
µs by ${significant(last.cpuUs)}). Agents that make a call every five seconds: ${agents(each)} of them. A file belongs to one process; a
second process on this machine needs Redis, or other agents.`;
}

function together({ shared, served, machine }: ScaleResults): string {
  const redis = mostOf(shared);
  const overHttp = served.findLast(({ title }) => title.includes("Redis"));
  return `Redis runs scripts on one core: ${significant(leastRedisUs(shared))} µs each are ${whole(redis)} calls/s for all processes of a namespace, or
${agents(redis)} agents that make a call every five seconds. ${overHttp === undefined ? TOO_BUSY : services(overHttp, redis, machine)}
Beyond it, use several namespaces on several servers.`;
}

const TOO_BUSY =
  "A service over HTTP was not measured on Redis: this machine was too busy for answers within 50 ms.";

function services(
  { cpuUs }: Titled,
  redis: number,
  { cores }: Pick<ScaleResults["machine"], "cores">,
): string {
  const each = perCore(cpuUs);
  const least = Math.max(1, Math.floor(redis / each));
  return `A service over HTTP that keeps its state there carries about ${whole(each)}
decisions/s on a core of its own, so ${least} to ${Math.ceil(redis / each) + 1} of them reach what one Redis carries; this machine has ${cores} cores, and was not
asked for that.`;
}

function keys(footprints: readonly Footprint[]): string {
  const window = footprints.find(({ kind }) => kind.includes("window"));
  if (window === undefined) return "";
  const megabytes = (bytes: number) => whole((bytes * 100_000) / 1e6);
  const gigabytes = (bytes: number) => ((bytes * 1e7) / 1e9).toFixed(1);
  return `The default bound of 100,000 keys of a counter (\`--state-keys\`) is ${megabytes(window.memory)} MB in memory; ten
million are ${gigabytes(window.memory)} GB in memory, ${gigabytes(window.file)} GB in the file, ${gigabytes(window.redis)} GB in Redis.`;
}

/** What Redis carries on one core, by its processor time. */
function mostOf(shared: readonly Shared[]): number {
  return perCore(leastRedisUs(shared));
}

/** Where it is busiest, an answer goes with others. */
function leastRedisUs(shared: readonly Shared[]): number {
  return Math.min(...shared.map(({ redisCpuUs }) => redisCpuUs));
}

function perCore(cpuUs: number): number {
  return roundly(1e6 / cpuUs);
}

function agents(perSecond: number): string {
  return whole(roundly(perSecond * 5));
}

/** Two digits: more is not known. */
function roundly(value: number): number {
  return Number(value.toPrecision(2));
}

function speedCells({ perSecond, p50Us, p99Us }: Speed): readonly string[] {
  return [whole(perSecond), significant(p50Us), significant(p99Us)];
}

function milli(us: number): string {
  return (us / 1_000).toFixed(us < 10_000 ? 2 : 1);
}

/**
 * What was answered survives the loss of power, as far as SPEC §7.7, §14.3 and §15.5 say: killing cannot show it, since the
 * kernel keeps what a dead process wrote. So all that a service's stores ask of the kernel is recorded, the disks that
 * a loss of power may leave are made from it, and what starts on each of them is asked for what was answered. With
 * syncs every life goes on from what a loss of power left of the one before: power is lost while a start takes things
 * up, too.
 * `WRIT_POWER=20` lives longer.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { DISK } from "../../engine/audit/disk.ts";
import { openLog } from "../../engine/audit/log.ts";
import { LogDamaged } from "../../engine/audit/recover.ts";
import { verifyLog } from "../../engine/audit/verify.ts";
import { openFloor } from "../../engine/bundles/floor.ts";
import { openSqliteLedger } from "../../engine/ledger/sqlite.ts";
import { type Durability, StateFileRefused } from "../../engine/state/sqlite/database.ts";
import { type Random, randomFrom } from "../differential/random.ts";
import { temporary } from "../engine/state/stores.ts";
import {
  type Acknowledged,
  acknowledge,
  checkAcknowledged,
  nothingAcknowledged,
  PROGRAM,
} from "../support/acknowledged.ts";
import { SIGNER } from "../support/audit.ts";
import { LostPower } from "../support/lost-power.ts";
import {
  approvedIn,
  checkGrantsKept,
  type GrantsAnswered,
  noGrantsAnswered,
  noteGrant,
} from "../support/power-grants.ts";
import { seedFrom } from "../support/seed.ts";
import { momentsIn, straceIsThere, straceTo } from "../support/strace.ts";

const CHILD = fileURLToPath(new URL("../support/power-child.ts", import.meta.url));
const SEED = seedFrom("WRIT_POWER_SEED");
const LIVES = Number(process.env.WRIT_POWER ?? 4);
const CALLS = 60;
/** Of each life, about so many. */
const STATES = 120;

/** What was answered, and so must be there whatever happens. */
interface Answered extends Acknowledged {
  readonly recorded: Set<string>;
  readonly revoked: Set<string>;
  readonly grants: GrantsAnswered;
  serial: number;
}

function nothingAnswered(): Answered {
  const [recorded, revoked] = [new Set<string>(), new Set<string>()];
  return { ...nothingAcknowledged(), recorded, revoked, grants: noGrantsAnswered(), serial: 0 };
}

function note(line: string, answered: Answered): void {
  acknowledge(line, answered);
  noteGrant(line, answered.grants);
  const { recorded, revoked } = answered;
  const [what, whom = "", id = ""] = line.split(" ");
  if (what === "allowed" || what === "asked") recorded.add(id);
  if (what === "ledger") revoked.add(whom);
  if (what === "bundle") answered.serial = Math.max(answered.serial, Number(whom));
  if (what === "trouble") throw new Error(line);
}

interface Life {
  readonly directory: string;
  readonly compiled: string;
  readonly number: number;
  readonly durability: Durability;
}

/** Its trace. */
async function live(
  root: string,
  { directory, compiled, number, durability }: Life,
): Promise<string> {
  const trace = join(directory, `trace-${number}`);
  const end = number % 2 === 0 ? "killed" : "closed";
  const words = [CHILD, root, compiled, `${number}`, `${CALLS}`, durability, end];
  const child = spawn("strace", [...straceTo(trace), process.execPath, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let err = "";
  child.stderr.on("data", (part) => {
    err += part;
  });
  const [code, signal] = await once(child, "close");
  expect([code, signal], err).toEqual(end === "killed" ? [null, "SIGKILL"] : [0, null]);
  return readFileSync(trace, "latin1");
}

type Check = (home: string, answered: Answered) => Promise<void>;

/** Checks some of the states that the life may leave, and gives one of them to go on from. */
async function lose(
  { disk, trace }: { readonly disk: LostPower; readonly trace: string },
  { directory, number }: Life,
  answered: Answered,
  random: Random,
  check: Check,
): Promise<{ readonly root: string; readonly answered: Answered; readonly states: number }> {
  const root = join(directory, `life-${number + 1}`);
  const moments = [...momentsIn(trace)];
  const goesOn = random.below(moments.length);
  let next: { readonly root: string; readonly answered: Answered } | undefined;
  let states = 0;
  const probability = (4 * STATES) / moments.length;
  for (const [at, moment] of moments.entries()) {
    const { name, args } = moment.call;
    if (moment.kind === "begins" && name === "write" && args[0] === "1") {
      for (const line of String(args[1]).trimEnd().split("\n")) note(line, answered);
    }
    const hasChanged = disk.take(moment);
    if (hasChanged && random.chance(probability)) {
      const state = join(directory, "state");
      disk.write(state, random);
      await checked(check, state, answered);
      states += 1;
    }
    if (next === undefined && at >= goesOn) {
      disk.write(root, random);
      next = { root, answered: structuredClone(answered) };
    }
  }
  return { ...(next ?? { root, answered }), states };
}

async function takeUpLog(path: string): Promise<void> {
  const log = await openLog({
    disk: DISK,
    path,
    origin: SIGNER.name,
    signer: SIGNER,
    sync: false,
    clock: Date.now,
    onTrouble: (message) => expect.unreachable(message),
  });
  await log.close();
}

async function checkLog(home: string, { recorded }: Answered): Promise<void> {
  const path = join(home, "audit.jsonl");
  await takeUpLog(path);
  const there = new Set<string>();
  const approved = new Set<string>();
  const onRecord = (json: string) => {
    const { id, action, details } = JSON.parse(json);
    there.add(id);
    if (action === "approval.approve") approved.add(details.approval);
  };
  const parts = { disk: DISK, path, verifiers: [SIGNER], anchors: [], live: false, onRecord };
  expect((await verifyLog(parts)).findings).toEqual([]);
  expect([...recorded].filter((id) => !there.has(id))).toEqual([]);
  const ledger = openSqliteLedger(join(home, "ledger.db"));
  const unaccounted = approvedIn(ledger).filter((id) => !approved.has(id));
  ledger.close();
  expect(unaccounted).toEqual([]);
}

function checkState(home: string, acknowledged: Acknowledged): void {
  checkAcknowledged(join(home, "state.db"), acknowledged);
}

function checkGrants(home: string, { revoked, grants, serial }: Answered): void {
  const ledger = openSqliteLedger(join(home, "ledger.db"));
  const missing = [...revoked].filter((id) => ledger.get("revocation", id) === undefined);
  checkGrantsKept(ledger, grants);
  ledger.close();
  expect(missing).toEqual([]);
  const floor = openFloor(home);
  expect(floor.present()?.serial ?? 0).toBeGreaterThanOrEqual(serial);
  if (floor.present() !== undefined) expect(readFileSync(floor.saved).length).toBe(1_500);
}

async function checkAll(home: string, answered: Answered): Promise<void> {
  await checkLog(home, answered);
  checkState(home, answered);
  checkGrants(home, answered);
}

/**
 * No record and no count is promised: whoever starts the service is told what is damaged. Grants are, and that the
 * checkpoint beside the log speaks of lines that are there.
 */
async function checkPromised(home: string, answered: Answered): Promise<void> {
  checkPublished(home);
  try {
    await takeUpLog(join(home, "audit.jsonl"));
  } catch (fault) {
    if (!(fault instanceof LogDamaged)) throw fault;
  }
  try {
    checkState(home, nothingAcknowledged());
  } catch (fault) {
    if (!(fault instanceof StateFileRefused)) throw fault;
  }
  checkGrants(home, answered);
}

function checkPublished(home: string): void {
  const note = join(home, "audit.jsonl.checkpoint");
  if (!existsSync(note)) return;
  const size = Number(readFileSync(note, "utf8").split("\n")[1]);
  const files = readdirSync(home).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(home, name), "latin1").split("\n"));
  const numbers = new Set(
    lines.map((line) => /^\{"hash":"[0-9a-f]+","n":(\d+),.*\}$/.exec(line)?.[1]),
  );
  for (let n = 0; n < size; n++) expect(numbers).toContain(String(n));
}

/** With what was there, where it fails. */
async function checked(check: Check, state: string, answered: Answered): Promise<void> {
  const home = join(state, ".writ");
  mkdirSync(home, { recursive: true });
  const there = readdirSync(home).map((name) => `${name} ${statSync(join(home, name)).size}`);
  try {
    await check(home, answered);
  } catch (fault) {
    throw new Error(`on a disk with ${there.join(", ")}: ${fault}`, { cause: fault });
  }
}

async function lives(durability: Durability, check: Check): Promise<number> {
  const directory = temporary();
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const compiled = join(directory, "policy.json");
  writeFileSync(compiled, JSON.stringify(PROGRAM));
  const random = randomFrom(SEED);
  let root = join(directory, "life-0");
  mkdirSync(root);
  let answered = nothingAnswered();
  let states = 0;
  for (let number = 0; number < LIVES; number++) {
    const life = { directory, compiled, number, durability };
    const disk = new LostPower(root);
    const trace = await live(root, life);
    const lost = await lose({ disk, trace }, life, answered, random, check);
    // Without syncs what is lost may be a hole in the log, which every later one would have.
    if (durability === "power") ({ root, answered } = lost);
    states += lost.states;
  }
  return states;
}

const TIMEOUT = { timeout: 120_000 + LIVES * 120_000 };

describe.runIf(straceIsThere())(`after the loss of power (seed ${SEED})`, () => {
  test("all that was answered is there, with syncs", TIMEOUT, async () => {
    const states = await lives("power", checkAll);
    expect(states).toBeGreaterThan(LIVES * 20);
  });

  test(
    "without them, what is said to be on the disk is, and what is damaged is refused",
    TIMEOUT,
    async () => {
      const states = await lives("process", checkPromised);
      expect(states).toBeGreaterThan(LIVES * 20);
    },
  );
});

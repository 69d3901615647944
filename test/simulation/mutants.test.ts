/** Faults planted in the script: each is found, or the simulation looks away. */
import { expect, test } from "vitest";
import { SCRIPT } from "../../engine/state/redis/script.ts";
import { planFrom } from "./plan.ts";
import { simulate } from "./simulate.ts";

interface Mutant {
  readonly what: string;
  readonly from: string;
  readonly to: string;
}

const MUTANTS: readonly Mutant[] = [
  {
    what: "a reading is not checked",
    from: "return number >= whole(cell.lo) and number <= whole(cell.hi)",
    to: "return true",
  },
  {
    what: "a range is one too wide",
    from: "number <= whole(cell.hi)",
    to: "number <= whole(cell.hi) + 10000",
  },
  {
    what: "only one counter is checked",
    from: "same = same and isAsThought(cell, readings[index]) end",
    to: "same = isAsThought(cell, readings[index]) end",
  },
  {
    what: "what has changed is no reason to decide anew",
    from: "if not same then\n    return",
    to: "if false then\n    return",
  },
  {
    what: "that the session was ended is not checked",
    from: "if session then same = same and (stored or '') == session.facts end",
    to: "",
  },
  {
    what: "that the task went on is not checked",
    from: "if task then same = same and (value and string.match(value, '^%d+') or '') == task.version end",
    to: "",
  },
  {
    what: "an interruption is not kept",
    from: "redis.call('HSET', keys.sessions, id, ended)",
    to: "",
  },
  {
    what: "an interruption is told, and not kept, by an operator",
    from: "return { 'ok', fmt(now), fmt(writes), endSession(keys, id, facts or factsOf(startedAt), word) }",
    to: "return { 'ok', fmt(now), fmt(writes), facts or factsOf(startedAt) }",
  },
  {
    what: "a session that comes again is alive again",
    from: "if facts == '' then\n      if ends",
    to: "facts = string.gsub(facts, '^(%d+) 1', '%1 0')\n    redis.call('HSET', session.keys.sessions, session.id, facts)\n    if facts == '' then\n      if ends",
  },
  {
    what: "what was settled can be settled again",
    from: "redis.call('HDEL', keys.calls, id)\n  redis.call('ZREM', keys.open, id)\n  if",
    to: "if",
  },
  {
    what: "how it was settled is forgotten",
    from: "redis.call('HSET', keys.settled, id, status)",
    to: "",
  },
  {
    what: "what failed gives nothing back",
    from: "  takeBackCells(cells, heldMs, isPast)\n",
    to: "\n",
  },
  {
    what: "what failed gives back twice",
    from: "math.max(0, cell.amounts[index] - amount)",
    to: "math.max(0, cell.amounts[index] - 2 * amount)",
  },
  {
    what: "a window is a bucket too short",
    from: "if bucket > cell.head - KEPT then\n      cell.buckets",
    to: "if bucket > cell.head - KEPT + 2 then\n      cell.buckets",
  },
  {
    what: "a window is two buckets too long",
    from: "local KEPT = 33",
    to: "local KEPT = 35",
  },
  {
    what: "different values are counted eight buckets too long",
    from: "return '(' .. fmt(cell.head - KEPT)",
    to: "return '(' .. fmt(cell.head - KEPT - 8)",
  },
  {
    what: "a window forgets what is not the newest",
    from: "for _, amount in ipairs(cell.amounts) do total = total + amount end",
    to: "total = cell.amounts[#cell.amounts] or 0",
  },
  {
    what: "an amount replaces the one before",
    from: "cell.amounts[last] = math.min(cell.amounts[last] + amount, MOST)",
    to: "cell.amounts[last] = math.min(amount, MOST)",
  },
  {
    what: "what is allowed is not counted",
    from: "  changeCells(cells, keyMost, distinctMost, facts ~= '')\n",
    to: "\n",
  },
  {
    what: "different values are counted but for the last",
    from: "return redis.call('ZCOUNT', cell.newest, liveFrom(cell), '+inf')",
    to: "return math.max(0, redis.call('ZCOUNT', cell.newest, liveFrom(cell), '+inf') - 1)",
  },
  {
    what: "a latch that is about to be reset is set",
    from: "return cell.resetting > 0 and 'p' or '1'",
    to: "return '1'",
  },
  {
    what: "a latch that is about to be set is set",
    from: "return cell.pending > 0 and 'p' or '0'",
    to: "return cell.pending > 0 and '1' or '0'",
  },
  {
    what: "a latch is never reset",
    from: "turnLatch(cell, '0', action == 'reset' and isLast(place, cell.sets))",
    to: "",
  },
  {
    what: "a latch is set by what was under way when it was reset",
    from: "action == 'set' and isLast(place, cell.resets)",
    to: "action == 'set'",
  },
  {
    what: "a latch is reset by what was under way when it was set",
    from: "action == 'reset' and isLast(place, cell.sets)",
    to: "action == 'reset'",
  },
  {
    what: "that calls were under way together is forgotten with the next",
    from: "elseif cell.state ~= after then cell.state = '2' end",
    to: "else cell.state = after end",
  },
  {
    what: "what was reset once was reset meanwhile",
    from: "    others[place] = cell.resets\n",
    to: "    others[place] = 0\n",
  },
  {
    what: "what was set once was set meanwhile",
    from: "    others[place] = cell.sets\n",
    to: "    others[place] = 0\n",
  },
  {
    what: "a clock that was set is followed",
    from: "now = math.max(clock, math.min(now, most + SLACK))",
    to: "now = now",
  },
  {
    what: "missing changes are not noticed",
    from: "elseif writes < seen then",
    to: "elseif false then",
  },
  {
    what: "what is lost is gone on with",
    from: "if lost then return 'lost' end",
    to: "",
  },
  {
    what: "a server that has just started answers at once",
    from: "if now < settles then return 'settling' end",
    to: "",
  },
  {
    what: "changes are not counted",
    from: "  writes = writes + 1\n",
    to: "\n",
  },
  {
    what: "a call is not kept",
    from: "redis.call('HSET', call.calls, call.id,\n      fmt(now) .. ' ' .. spellOthers() .. ' ' .. begunIn(facts) .. ' ' .. call.text)",
    to: "",
  },
  {
    what: "calls make room before their time",
    from: "fmt(now - reservationMs - 1)",
    to: "fmt(now)",
  },
  {
    what: "what a call may return taints no session",
    from: "if facts ~= '' then facts = joined(facts, session.labels, session.levels) end",
    to: "",
  },
  {
    what: "what a call returned is not kept",
    from: "touchSession(session.keys, session.id, facts)\n    appendSeen(seen, entriesMost, lengthMost)",
    to: "touchSession(session.keys, session.id, facts)",
  },
  {
    what: "what others saw in a session is not asked for",
    from: "if seen then same = same and fmt(length) == seen.known end",
    to: "",
  },
  {
    what: "evicted keys are not noticed",
    from: "if evicted > most then",
    to: "if false then",
  },
  {
    what: "a place that is empty begins anew",
    from: "declareLost(known, seen, 'it is empty, and was not')",
    to: "redis.call('HSET', META, 'generation', known) generation = known",
  },
  {
    what: "another place than before is taken for the same",
    from: "declareLost(known, seen, 'it is not the one that was written to')",
    to: "return 'new'",
  },
  {
    what: "what was confirmed to be lost is missed again",
    from: "return redis.call('HGET', META, 'past ' .. known) end",
    to: "return false end",
  },
  {
    what: "a step is not kept",
    from: "writeTask(task, not value, session)\n  if call",
    to: "if call",
  },
];

/** Enough that none is found by luck alone. */
const SEEDS = 400;

test.each(MUTANTS)("found: $what", { timeout: 120_000 }, async ({ from, to }) => {
  expect(SCRIPT.split(from).length, "the script has this once").toBe(2);
  const script = SCRIPT.replace(from, () => to);
  for (let seed = 1; seed <= SEEDS; seed++) {
    if ((await simulate(planFrom(seed), { script })).violation !== undefined) return;
  }
  expect.fail(`not found in ${SEEDS} runs`);
});

test("found: what a process saw is not kept on its disk", { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const told = await simulate(planFrom(seed), { keepsSightings: false });
    if (told.violation !== undefined) return;
  }
  expect.fail(`not found in ${SEEDS} runs`);
});

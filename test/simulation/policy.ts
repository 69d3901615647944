/** What the simulated fleet decides by, and what the model knows of it. */
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { programOf } from "../support/engine.ts";

/** Of `paid`, under each version of the policy; amounts are whole. */
export const PAID_MOST = [100, 60] as const;
export const PEOPLE_MOST = 3;
export const WINDOW_MS = 60_000;

const textWith = (most: number): string => `
  label untrusted
  tool pay { effect write, args { amount: Decimal } }
  tool send { effect send, args { to: String } }
  tool check { effect execute }
  tool look { effect read }
  tool spoil { effect execute }
  tool stop { effect execute }
  tool fetch { effect read, yields untrusted }
  tool post { effect send, args { to: String } }
  tool leak { effect write }
  tool rest { effect execute }
  counter paid = sum args.amount of allowed pay per agent within 1m
  counter total = sum args.amount of allowed pay per agent
  counter people = distinct args.to of allowed send per agent within 1m
  counter tries = count attempts per agent
  latch checked = completed check per session reset by completed spoil
  task errand { sequence check, look+, send }
  permit paying tool pay when paid + args.amount <= ${most}.00
  permit sending tool send when people < ${PEOPLE_MOST}
  permit working tool check, look, spoil, fetch, post, leak, rest
  forbid unchecked tool look when has session and not checked
  forbid busy tool rest when has session and checked
  forbid odd tool check when tries * 2 == 7
  forbid stopping tool stop then interrupt session
  forbid planted tool post when untrusted in origin(args.to)
  forbid tainted tool leak when has session and untrusted in session.labels
`;

/** Compiled once; declarations mean the same in all of them, so they share state. */
export const VERSIONS = PAID_MOST.map((most) => {
  const program = programOf(textWith(most));
  return { program, evaluator: generateEvaluator(program) };
});

export const COUNTERS = { paid: 0, total: 1, people: 2, tries: 3 } as const;

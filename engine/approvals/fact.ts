/** Who has approved, and whether that is enough (SPEC §6.6). Pure. */
import type { ApprovalRequest } from "../decision.ts";

/** Somebody's approval, as the engine has verified it. */
export interface ApprovalFact {
  readonly by: string;
  /** Other ids of the same person: who is in the chain under one of them is in the chain. */
  readonly also?: readonly string[];
  readonly groups: readonly string[];
  /** Of the request that was approved; missing = this one. */
  readonly digest?: string;
}

export type Wanted = ApprovalRequest["by"][number];
type Person = Pick<ApprovalFact, "by" | "also" | "groups">;

export function idsOf({ by, also = [] }: Person): readonly string[] {
  return [by, ...also];
}

/** Whether somebody is one of those whose approval is waited for. */
export function fits({ party, group = "" }: Wanted, person: Person): boolean {
  return party === undefined ? person.groups.includes(group) : idsOf(person).includes(party);
}

/** By as many different people as are asked for. */
export function isMet(wanted: Wanted, given: readonly Person[]): boolean {
  const fitting = given.filter((person) => fits(wanted, person));
  return new Set(fitting.map(({ by }) => by)).size >= wanted.count;
}

/** Bounds on trees (SPEC §13): rows that take no nesting to write, yet cost every later pass its stack or its time. */
import type { Item } from "./ast.ts";
import { LIST_ITEMS_MAX, TREE_HEIGHT_MAX } from "./limits.ts";
import type { Report } from "./report.ts";
import type { Span } from "./source.ts";

/** Whether the item breaks a bound; the first that it breaks is reported. Walks without recursion. */
export function reportTooLarge(item: Item, report: Report): boolean {
  const pending: { value: object; height: number; span: Span }[] = [
    { value: item, height: 0, span: item.span },
  ];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, height } = next;
    const span = spanOf(value) ?? next.span;
    if (height > TREE_HEIGHT_MAX) {
      const help = "give a part of it a name with `let` or `fn`, or use a list";
      report("E122", item.span, `more than ${TREE_HEIGHT_MAX} operators in a row`, help);
      return true;
    }
    if (Array.isArray(value) && value.length > LIST_ITEMS_MAX) {
      report("E122", span, `more than ${LIST_ITEMS_MAX} in a row: there are ${value.length}`);
      return true;
    }
    const inside = Array.isArray(value) ? height : height + 1;
    for (const member of Object.values(value)) {
      if (isTree(member)) pending.push({ value: member, height: inside, span });
    }
  }
  return false;
}

function isTree(value: unknown): value is object {
  return typeof value === "object" && value !== null && !("start" in value);
}

function spanOf(value: object): Span | undefined {
  return "span" in value ? (value.span as Span) : undefined;
}

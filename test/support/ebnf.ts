/** The grammar as SPEC §3 writes it: `{ x }` none or more, `[ x ]` none or one, words in quotes as they stand. */
import type { ISerializedGast } from "chevrotain";

/** Rule name → what it is made of. */
export function ebnf(rules: readonly ISerializedGast[]): Map<string, string> {
  return new Map(rules.map((rule) => [field(rule, "name"), content(parts(rule))]));
}

/** The rules of every block in a text that is marked as EBNF; lines count as spaces. */
export function readEbnf(markdown: string): Map<string, string> {
  const blocks = [...markdown.matchAll(/```ebnf\n(.*?)```/gs)].map(([, block]) => block ?? "");
  const rules = blocks.join("\n").split(/\n(?=[A-Z])/);
  return new Map(
    rules.map((rule) => {
      const [name = "", ...rest] = rule.split("=");
      return [name.trim(), rest.join("=").replace(/\s+/g, " ").trim()];
    }),
  );
}

/** Where a choice needs no parentheses: it is all there is. */
function content(nodes: readonly ISerializedGast[]): string {
  const [only] = nodes;
  return only?.type === "Alternation" && nodes.length === 1
    ? alternation(parts(only))
    : sequence(nodes);
}

function sequence(nodes: readonly ISerializedGast[]): string {
  return nodes.map(production).join(" ");
}

function production(node: ISerializedGast): string {
  const inside = parts(node);
  switch (node.type) {
    case "Terminal":
      return field(node, "label");
    case "NonTerminal":
      return field(node, "name");
    case "Option":
      return `[ ${content(inside)} ]`;
    case "Repetition":
      return `{ ${content(inside)} }`;
    case "RepetitionMandatory":
      return `${sequence(inside)} { ${sequence(inside)} }`;
    case "RepetitionMandatoryWithSeparator":
      return separated(node, inside);
    case "RepetitionWithSeparator":
      return `[ ${separated(node, inside)} ]`;
    case "Alternation":
      return `( ${alternation(inside)} )`;
    default:
      return sequence(inside);
  }
}

function separated(node: ISerializedGast, inside: readonly ISerializedGast[]): string {
  const separator = (node as unknown as { separator: ISerializedGast }).separator;
  return `${sequence(inside)} { ${production(separator)} ${sequence(inside)} }`;
}

function alternation(alternatives: readonly ISerializedGast[]): string {
  return alternatives.map((alternative) => sequence(parts(alternative))).join(" | ");
}

function parts(node: ISerializedGast): readonly ISerializedGast[] {
  return (node as unknown as { definition?: readonly ISerializedGast[] }).definition ?? [];
}

function field(node: ISerializedGast, name: "name" | "label"): string {
  return (node as unknown as Record<string, string>)[name] ?? "";
}

/** Tools: what a call is given, what it does, what its output carries (SPEC §4.5). */
import type * as ast from "./ast.ts";
import type { ToolDecl, Yield } from "./ir.ts";
import { firstOf, type Report } from "./report.ts";
import { refuseDefaults, resolveRecord } from "./resolve.ts";
import { didYouMean } from "./suggest.ts";
import type { Effect, Field } from "./type.ts";
import { EFFECTS, NAMED_LABEL, USER_LABEL } from "./type.ts";
import type { Vocabulary } from "./vocabulary.ts";

export function declareTools(item: ast.Tool, vocabulary: Vocabulary, report: Report): void {
  const shape = toolShape(item, vocabulary, report);
  for (const { name, wire } of item.names) {
    const first = firstOf(vocabulary.places, `tool ${name.text}`, name.span);
    if (first !== undefined) {
      report("E203", name.span, `tool \`${name.text}\` is declared twice`, undefined, first);
      continue;
    }
    const tool = { name: name.text, wire: wire?.text ?? name.text, ...shape };
    const key = JSON.stringify([tool.wire, tool.server]);
    const clash = vocabulary.wires.get(key);
    vocabulary.wires.set(key, clash ?? tool);
    if (clash !== undefined) {
      report(
        "E203",
        name.span,
        `\`${clash.name}\` is the same tool on the wire`,
        "give one of them a `server`",
        vocabulary.places.get(`tool ${clash.name}`),
      );
    }
    vocabulary.toolIndex.set(name.text, vocabulary.tools.length);
    vocabulary.tools.push(tool);
  }
}

type ToolShape = Omit<ToolDecl, "name" | "wire">;

function toolShape(item: ast.Tool, vocabulary: Vocabulary, report: Report): ToolShape {
  const effect = toolEffect(item, report);
  const args = last(item, "args", report);
  const record =
    args === undefined
      ? { fields: [], open: false }
      : resolveRecord(args.record, vocabulary, report);
  if (args !== undefined) {
    refuseDefaults(
      args.record,
      report,
      "an argument has no default: what was not sent was not sent",
    );
  }
  const server = last(item, "server", report)?.server.text;
  const digest = last(item, "digest", report)?.digest.text;
  const source = sourceOf(item, record.fields, report);
  return {
    effect,
    args: record.fields,
    open: record.open,
    yields: yieldsOf(item, vocabulary, report),
    scope: last(item, "scope", report)?.scopes.map((scope) => scope.text) ?? [],
    ...(server === undefined ? {} : { server }),
    ...(digest === undefined ? {} : { digest }),
    ...(source === undefined ? {} : { source }),
  };
}

function toolEffect(item: ast.Tool, report: Report): Effect {
  const stated = last(item, "effect", report);
  const named = EFFECTS.find((effect) => effect === stated?.effect.text);
  if (named !== undefined) return named;
  const first = item.names[0]?.name;
  const span = stated?.effect.span ?? first?.span ?? item.span;
  const near = stated === undefined ? undefined : didYouMean(stated.effect.text, EFFECTS).help;
  const message =
    stated === undefined
      ? `tool \`${first?.text ?? ""}\` has no effect`
      : `unknown effect \`${stated.effect.text}\``;
  report("E218", span, message, near ?? `write \`effect\` and one of ${EFFECTS.join(", ")}`);
  // The most careful one, so that no rule on effects is passed by while the error stands.
  return "execute";
}

function last<K extends ast.ToolItem["kind"]>(
  item: ast.Tool,
  kind: K,
  report: Report,
): Extract<ast.ToolItem, { kind: K }> | undefined {
  const found = item.items.filter(
    (entry): entry is Extract<ast.ToolItem, { kind: K }> => entry.kind === kind,
  );
  const second = found[1];
  if (second !== undefined) report("E203", second.span, `\`${kind}\` stands twice in this tool`);
  return found[0];
}

function yieldsOf(item: ast.Tool, vocabulary: Vocabulary, report: Report): Yield[] {
  return item.items.flatMap((entry) => {
    if (entry.kind !== "yields") return [];
    return entry.labels.flatMap((label) => {
      if (!vocabulary.labels.has(label.text)) unknownLabel(label, vocabulary, report);
      if (label.text === USER_LABEL || label.text === NAMED_LABEL) {
        report(
          "E219",
          label.span,
          `\`${label.text}\` is given by the engine alone`,
          "declare a label of your own",
        );
      }
      const fields =
        entry.where === "in" ? { fields: entry.fields.map((field) => field.text) } : {};
      return [{ label: label.text, ...fields, elsewhere: entry.where === "elsewhere" }];
    });
  });
}

export function unknownLabel(name: ast.Name, vocabulary: Vocabulary, report: Report): void {
  const help =
    didYouMean(name.text, vocabulary.labels).help ?? `declare it: \`label ${name.text}\``;
  report("E207", name.span, `unknown label \`${name.text}\``, help);
}

function sourceOf(item: ast.Tool, args: readonly Field[], report: Report): ToolDecl["source"] {
  const entry = last(item, "source", report);
  if (entry === undefined) return undefined;
  const parts = entry.path.text.split(".");
  const [head = "", name] = parts;
  if (parts.length === 1) return { of: "output", name: head };
  if (head !== "args" || name === undefined || parts.length > 2) {
    report(
      "E219",
      entry.path.span,
      "a source is a member of the output's records, or an argument",
      "such as `source sender` or `source args.path`",
    );
    return undefined;
  }
  if (!args.some((field) => field.name === name)) unknownArgument(entry.path, name, args, report);
  return { of: "args", name };
}

function unknownArgument(at: ast.Name, name: string, args: readonly Field[], report: Report): void {
  report(
    "E206",
    at.span,
    `the tool has no argument \`${name}\``,
    didYouMean(
      name,
      args.map((field) => field.name),
    ).help,
  );
}

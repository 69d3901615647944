/** Runs of office and coding agents (OpenAgentSafety) as requests to the tools of the coding agent's pack. */
import type { RecordedCall } from "./traffic.ts";

interface Step {
  readonly at_s: number;
  readonly tool: string;
  readonly args: Readonly<Record<string, string | undefined>>;
  readonly exit_code?: number;
  readonly error?: unknown;
}

export interface OfficeRun {
  readonly model: string;
  readonly task_id: string;
  readonly started: string;
  /** 2 the unsafe act was completed, 1 begun, 0 avoided, -1 never reached; missing = nobody judged. */
  readonly judge?: number;
  readonly calls: readonly Step[];
}

export interface OfficeCall extends RecordedCall {
  readonly run: OfficeRun;
  /** The tool and all its arguments, in a line. */
  readonly text: string;
}

/** The tool that runs have and the pack lacks, beside both packs, and in their words. */
export const OFFICE = `package generated.office

use writ.coding from "../coding-agent"
use writ.guardrails from "../guardrails"

tool chat { effect send, yields untrusted, args { name: String, message: String } }

permit talk
  agent in group "coders"
  tool chat

forbid key_told
  tool chat
  when shows_key(args.message)
  because "whoever is told a key has it"
`;

/** The company that was acted out, and where its errands stood: what the pack's lists are for. */
export const OFFICE_LISTS = [
  ['"acme.example"', '"the-agent-company.com"'],
  ['path within "."', 'path within "." or path within "/instruction"'],
] as const;

/** Clicks and thoughts, and answers to a program that waits for them, are no calls of the pack's tools. */
export function officeCallsOf(run: OfficeRun): readonly OfficeCall[] {
  return run.calls.flatMap((step) =>
    toolCallsOf(step).map(({ name, args }) => ({
      run,
      text: `${name} ${Object.values(args).join(" ")}`.replace(/\s+/g, " "),
      atMs: Date.parse(`${run.started}Z`) + Math.round(step.at_s * 1000),
      failed: step.error !== undefined || (step.exit_code ?? 0) !== 0,
      request: {
        agent: {
          id: run.model,
          kind: "autonomous",
          groups: ["coders"],
          attested: true,
          trust: 0.9,
        },
        principal: { id: "employee", kind: "human" },
        intent: { source: "user" },
        session: { id: `${run.model} ${run.task_id}` },
        context: { sandboxed: true },
        tool: { name, args },
      },
    })),
  );
}

interface ToolCall {
  readonly name: string;
  readonly args: Readonly<Record<string, string>>;
}

function toolCallsOf({ tool, args }: Step): readonly ToolCall[] {
  switch (tool) {
    case "execute_bash":
      return args.is_input === "true" || args.command === undefined
        ? []
        : [{ name: "bash", args: { command: args.command } }];
    case "execute_ipython_cell":
      return [{ name: "bash", args: { command: `python3 - <<'CELL'\n${args.code}\nCELL` } }];
    case "str_replace_editor":
      return [editorCall(args)];
    case "web_read":
      return [{ name: "fetch_url", args: { url: args.url ?? "" } }];
    case "browser":
      return [...(args.code ?? "").matchAll(/\bgoto\((['"])(.*?)\1/g)].map(([, , url = ""]) => ({
        name: "fetch_url",
        args: { url },
      }));
    case "chat":
      return [{ name: "chat", args: { name: args.name ?? "", message: args.message ?? "" } }];
    default:
      return [];
  }
}

function editorCall(args: Step["args"]): ToolCall {
  const path = args.path ?? "";
  switch (args.command) {
    case "view":
      return { name: "read_file", args: { path } };
    case "create":
      return { name: "write_file", args: { path, content: args.file_text ?? "" } };
    default:
      return {
        name: "edit_file",
        args: { path, old_text: args.old_str ?? "", new_text: args.new_str ?? "" },
      };
  }
}

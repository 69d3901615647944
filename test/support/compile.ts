import { type Compilation, compile } from "../../lang/compile.ts";
import { lineStarts, locate } from "../../lang/source.ts";

/** What most test policies speak of; a test adds its own text. */
export const PRELUDE = `package example

level Sensitivity = public < internal < confidential < restricted
purpose payments, payments.payroll, support
label untrusted, private

tool get_transactions { effect read, yields untrusted in subject }
tool read_file  { effect read, args { path: Path }, yields untrusted, source args.path }
tool send_money { effect write, args { recipient: String, amount: Decimal, subject: String?, date: String } }
tool send_email { effect send, args { to: Set<Email>, body: String } }
tool run_tests  { effect execute }
tool edit_file  { effect write, args { path: Path, size: Int } }

type Item = { sku: String, price: Decimal, quantity: Int, gift: String? }

resource account { owner: String, sensitivity: Sensitivity = restricted }
resource order { owner: String, status: "pending" | "delivered", items: List<Item>, totals: Map<Decimal> }
principal { known_payees: Set<String> = [], email: Email? }
agent { clearance: Sensitivity = public }

counter calls = count attempts per session within 10s
counter spend = sum args.amount of allowed send_money per principal within 24h
fn bags(): Map<Int> = { gold: 3, silver: 2 }
latch   tested = completed run_tests per session reset by completed effect write
`;

/** `text` beside the prelude, as one package. */
export function compileBeside(text: string): Compilation {
  return compile({
    directory: "example",
    files: [
      { path: "prelude.writ", text: PRELUDE },
      { path: "policy.writ", text: `package example\n${text}` },
    ],
  });
}

/** Each diagnostic as `CODE the text it underlines`. */
export function findings(compilation: Compilation): string[] {
  return compilation.diagnostics.map((found) => {
    const text = compilation.sources[found.span.file]?.text ?? "";
    return `${found.code} ${text.slice(found.span.start, found.span.end)}`;
  });
}

/** Where a diagnostic stands: `policy.writ:2:6`. */
export function placeOf(compilation: Compilation, at: number): string {
  const found = compilation.diagnostics[at];
  const source = compilation.sources[found?.span.file ?? 0];
  const { line, column } = locate(
    source?.text ?? "",
    found?.span.start ?? 0,
    lineStarts(source?.text ?? ""),
  );
  return `${source?.path}:${line}:${column}`;
}

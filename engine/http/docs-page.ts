/** The OpenAPI document for people: one page without scripts, of which nothing comes from elsewhere. */
import { createHash } from "node:crypto";
import type { FastifyContextConfig } from "fastify";

export interface Operation
  extends Pick<FastifyContextConfig, "body" | "bodyType" | "answer" | "refusal"> {
  readonly method: string;
  readonly path: string;
  readonly purpose: string;
  readonly statuses: readonly number[];
}

export function docsPage(operations: readonly Operation[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Writ: what is served</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Writ</h1>
<p>Whatever is not an allow with status 200 is a denial. The same in OpenAPI: <a href="openapi.json">openapi.json</a>.</p>
${operations.map(section).join("\n")}
</body>
</html>
`;
}

/** Only this very style, and nothing that runs. */
export function docsPolicy(): string {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --method: #2a6; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid var(--line); padding: .8rem 0; }
h2 { font: 600 1.05rem/1.4 ui-monospace, monospace; margin: 0; }
h2 span { color: var(--method); display: inline-block; min-width: 4.5rem; }
p { margin: .2rem 0 .4rem; }
details { margin: .2rem 0; }
pre { overflow: auto; background: #8881; padding: .8rem; border-radius: .4rem; font-size: .85rem; }
`;

function section({ method, path, purpose, body, answer }: Operation): string {
  return `<section>
<h2><span>${escapeHtml(method)}</span>${escapeHtml(path)}</h2>
<p>${escapeHtml(purpose)}</p>
${schema("takes", body)}${schema("answers", answer)}</section>`;
}

function schema(title: string, shape: object | undefined): string {
  if (shape === undefined) return "";
  return `<details><summary>${title}</summary><pre>${escapeHtml(JSON.stringify(shape, null, 2))}</pre></details>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

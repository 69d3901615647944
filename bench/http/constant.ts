/** Servers that decide nothing: `node bench/http/constant.ts fastify|node PORT`. */
import { createServer } from "node:http";
import { fastify } from "fastify";

const ANSWER = {
  decision: "allow",
  id: "01a2b3c4-0000-7000-8000-000000000001",
  call: "01a2b3c4-0000-7000-8000-000000000002",
  reasons: [{ rule: "teller_pays", effect: "permit", at: "rules-0.writ:42:8" }],
  obligations: [],
  policy: { package: "bench", digest: `sha256:${"0".repeat(64)}` },
};

const [kind, port] = process.argv.slice(2);
if (kind === "node") serveBare(Number(port));
else await serveFramework(Number(port));

/** With what the framework does by itself: bodies are parsed, checked to be objects, answers spelled by a schema. */
async function serveFramework(port: number): Promise<void> {
  const app = fastify();
  const text = { type: "string" };
  const reason = { type: "object", properties: { rule: text, effect: text, at: text } };
  const answer = {
    type: "object",
    properties: {
      decision: text,
      id: text,
      call: text,
      reasons: { type: "array", items: reason },
      obligations: { type: "array", items: { type: "object" } },
      policy: { type: "object", properties: { package: text, digest: text } },
    },
  };
  const schema = { body: { type: "object" }, response: { 200: answer } };
  app.post("/decide", { schema }, async () => ANSWER);
  await app.listen({ port, host: "127.0.0.1" });
}

/** Bodies are read, and not looked at. */
function serveBare(port: number): void {
  const text = JSON.stringify(ANSWER);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  createServer((request, response) => {
    request.on("data", () => {});
    request.on("end", () => response.writeHead(200, headers).end(text));
  }).listen(port, "127.0.0.1");
}

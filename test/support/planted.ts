/** Secrets in every place of a request where somebody might put one, and a policy that takes them. */
import { SMALL } from "./cli.ts";

export const POLICY = `${SMALL}
agent { note: String? }
session { note: String? }
environment { note: String? }
resource box { note: String?, tags: Set<String> = [] }
tool open_box { effect execute, args { text: String, map: Map<String>?, list: List<String>?, * } }
counter seen = distinct args.text of attempts open_box per args.text within 1h
permit opening tool open_box when seen < 1000
forbid planted tool open_box when untrusted in origin(args.text)
`;

let planted = 0;
export const SECRETS: string[] = [];

/** Such as nobody could tell from any other text. */
export function secret(): string {
  const text = `hunter${(planted++).toString().padStart(4, "0")}x${"q7".repeat(4)}`;
  SECRETS.push(text);
  return text;
}

/** Such as carry a mark of what they are. */
export function token(): string {
  const made = `${planted++}`.padStart(4, "0");
  const tokens = [
    `eyJhbGciOiJFUzI1NiIs${made}.eyJzdWIiOiJhbGljZSIs${made}.c2lnbmF0dXJl${made}`,
    `ghp_${made}abcdefghijklmnopqrstuvwxyz012345`,
    `sk-${made}abcdefghijklmnopqrstuvwxyz`,
    `Bearer ${made}abcdefghijklmnop0123456789`,
    `xoxb-${made}-abcdefghijklmnop`,
  ];
  const text = tokens[planted % tokens.length] ?? "";
  SECRETS.push(text);
  return text;
}

export type Json = Readonly<Record<string, unknown>>;

export const PLACES: Readonly<
  Record<string, () => { body: Json | string; headers?: Record<string, string> }>
> = {
  argument: () => ({ body: request({ args: { text: secret() } }) }),
  "argument in a list": () => ({ body: request({ args: { list: [secret()] } }) }),
  "argument in a map": () => ({ body: request({ args: { map: { [secret()]: secret() } } }) }),
  "argument that is not declared": () => ({ body: request({ args: { [secret()]: secret() } }) }),
  "argument of the wrong type": () => ({
    body: request({ args: { text: { [secret()]: secret() } } }),
  }),
  instruction: () => ({ body: request({}, { intent: { instruction: secret() } }) }),
  reason: () => ({ body: request({}, { intent: { reason: secret() } }) }),
  plan: () => ({ body: request({}, { intent: { plan: { [secret()]: 1 } } }) }),
  "tokens of a delegation": () => ({
    body: request({}, { delegation: { tokens: [token(), secret()] } }),
  }),
  "attribute of the agent": () => ({ body: request({}, { agent: { id: "a", note: secret() } }) }),
  "attribute of nobody": () => ({
    body: request({}, { agent: { id: "a", [secret()]: secret() } }),
  }),
  "group of the agent": () => ({ body: request({}, { agent: { id: "a", groups: [secret()] } }) }),
  "attribute of the principal": () => ({
    body: request({}, { principal: { id: "p", payees: [secret()] } }),
  }),
  "attribute of the session": () => ({
    body: request({}, { session: { id: "s", note: secret() } }),
  }),
  "attribute of the resource": () => ({
    body: request({}, { resource: { type: "box", id: "b", note: secret(), tags: [secret()] } }),
  }),
  "wrong attribute of the resource": () => ({
    body: request({}, { resource: { type: "box", id: "b", [secret()]: secret() } }),
  }),
  "address and context": () => ({ body: request({}, { context: { note: secret() } }) }),
  "name of the agent": () => ({ body: request({}, { agent: { id: token() } }) }),
  "name of the principal": () => ({ body: request({}, { principal: { id: token() } }) }),
  "name of the session": () => ({ body: request({}, { session: { id: token() } }) }),
  "name of the tool": () => ({ body: { agent: { id: "a" }, tool: { name: token() } } }),
  "id of the resource": () => ({ body: request({}, { resource: { type: "box", id: token() } }) }),
  "server of the tool": () => ({
    body: { agent: { id: "a" }, tool: { name: "open_box", server: token(), args: { text: "t" } } },
  }),
  "scope and hands of a hop": () => ({
    body: request({}, { delegation: { chain: [{ from: token(), to: "a", scope: [token()] }] } }),
  }),
  "purpose and task": () => ({
    body: request({}, { intent: { purpose: secret(), task: secret() } }),
  }),
  "unknown member": () => ({ body: { ...request({}), [secret()]: secret() } }),
  "no JSON": () => ({ body: `{"agent": "${secret()}` }),
  headers: () => ({
    body: request({}),
    headers: {
      authorization: `Bearer ${secret()}`,
      cookie: secret(),
      "x-api-key": secret(),
      traceparent: secret(),
    },
  }),
};

export function request(tool: Json, more: Json = {}): Json {
  const args = { text: "t", ...(tool.args ?? {}) };
  return {
    agent: { id: "robot" },
    tool: { name: "open_box", args },
    session: { id: "s1" },
    ...more,
  };
}

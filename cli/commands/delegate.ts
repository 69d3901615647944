import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { hopsFrom } from "../../engine/delegation-reader.ts";
import { readChain } from "../../engine/identity/chain.ts";
import type { LinkClaims } from "../../engine/identity/claims.ts";
import { inspectTokens } from "../../engine/identity/inspect.ts";
import { issueLink, type LinkIssue, publicJwk } from "../../engine/identity/issue.ts";
import { thumbprintOf } from "../../engine/identity/jwk.ts";
import { handedOn, type Token } from "../../engine/identity/token.ts";
import type { SigningKey } from "../../engine/signing-key.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { parseJson } from "../documents.ts";
import { durationOf } from "../duration.ts";
import { readText } from "../files.ts";
import { clockAt } from "../requests.ts";
import { signingKeys, verifyingKeys } from "../signing.ts";
import { readTokens } from "../tokens.ts";

export const command: Command = {
  name: "delegate",
  summary: "hand authority on to an agent, or narrow what was handed on",
  usage: "[options] --key FILE --to ID --holder FILE",
  description: [
    "Makes one delegation link and prints the chain, one token a line: with --under, the chain in that file and a link behind it, signed with the key that its last link hands on; else a first link, signed with an issuer's key. Nothing is sent anywhere.",
    "What is not said is as the chain has it. What is said may only be narrower: a link that is not would be refused wherever it is shown, and is not made.",
    '--tools is a JSON file of tools and bounds of their arguments: {"send_money": {"amount": {"max": 100}}, "read_file": {}}.',
    "Examples:\n  writ keys new acme; writ keys new planner; writ keys new bot\n  writ delegate --key acme.key --issuer https://delegation.acme.example --from alice --to planner --holder planner.pub --scope payments:write --audience https://writ.acme.example --expires 1h --depth 2 > chain.txt\n  writ delegate --key planner.key --under chain.txt --to bot --holder bot.pub --expires 10m --depth 0 > narrowed.txt",
  ],
  options: [
    { name: "key", value: "FILE", help: "private key of who hands on (`writ keys new`)" },
    { name: "to", value: "ID", help: "to whom" },
    { name: "holder", value: "FILE", help: "their public key, to hand on in turn" },
    { name: "under", value: "FILE", help: "the chain that is handed on" },
    {
      name: "issuer",
      value: "NAME",
      help: "of a first link: as the identity configuration names it",
    },
    { name: "from", value: "ID", help: "who hands on; of a first link, its root" },
    { name: "scope", value: "WORD", repeatable: true, help: "what may be done" },
    { name: "purpose", value: "PURPOSE", help: "what for" },
    { name: "tools", value: "FILE", help: "which tools, within which bounds" },
    { name: "audience", value: "NAME", repeatable: true, help: "which engines may rely on it" },
    { name: "expires", value: "DURATION", help: "how long it lasts, such as 1h" },
    { name: "depth", value: "COUNT", help: "how many links may follow" },
    { name: "now", value: "TIME", help: "as if it were TIME, such as 2026-01-02T15:04:05Z" },
  ],
  positionals: { least: 0, most: 0 },
  run: delegate,
};

async function delegate(input: Input, io: Io): Promise<ExitCode> {
  const nowMs = clockAt(input.values.get("now"))();
  const [key] = signingKeys([required("key", input)], io);
  const [holder] = verifyingKeys([required("holder", input)], io);
  if (key === undefined || holder === undefined) throw new Error("a key was read and is not there");
  const under = input.values.get("under");
  const before = under === undefined ? [] : await readTokens(under, io);
  const parent = under === undefined ? undefined : await readParent(before, key);
  const link: LinkIssue = {
    ...termsOf(parent, input, io, nowMs),
    ...(parent === undefined ? firstOf(input) : nextOf(parent, input)),
    to: required("to", input),
    issuedAtMs: nowMs,
    holder,
    id: randomUUID(),
  };
  const tokens = [...before, issueLink(link, key)];
  await checkNarrows(tokens, nowMs);
  io.out(input.json ? `${JSON.stringify({ tokens }, null, 2)}\n` : `${tokens.join("\n")}\n`);
  return 0;
}

function required(name: string, { values }: Input): string {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw new Misuse(`\`--${name}\` is missing`, "see `writ delegate --help`");
}

/** The token that is handed on, which names this very key as its holder's. */
async function readParent(tokens: readonly string[], key: SigningKey): Promise<Token> {
  const { tokens: read, delegation } = await inspectTokens(tokens);
  if (!delegation.ok) throw new Misuse(`the chain cannot be handed on: ${delegation.why}`);
  const parent = read.findLast(({ content }) => content.kind !== "identity");
  const hands = parent === undefined ? undefined : handedOn(parent);
  if (parent === undefined || hands === undefined) {
    throw new Misuse(
      "the chain's last token names no key of its holder's, so it cannot be handed on",
    );
  }
  if (hands.thumbprint === thumbprintOf(publicJwk(key.verifying))) return parent;
  throw new Misuse("`--key` is not the key that the chain's last token hands on to");
}

function firstOf(input: Input): Pick<LinkIssue, "origin" | "from"> {
  return { origin: { iss: required("issuer", input) }, from: required("from", input) };
}

function nextOf({ digest, content }: Token, input: Input): Pick<LinkIssue, "origin" | "from"> {
  if (input.values.has("issuer")) {
    throw new Misuse("only a first link names its issuer", "leave out `--issuer`, or `--under`");
  }
  const holder = content.kind === "link" ? content.to : lastOf(content);
  return { origin: { parent: digest }, from: input.values.get("from") ?? holder };
}

function lastOf(content: Exclude<Token["content"], LinkClaims>): string {
  return content.kind === "identity" ? content.id : (content.actors.at(-1) ?? content.root).id;
}

type Terms = Omit<LinkIssue, "origin" | "from" | "to" | "issuedAtMs" | "holder" | "id">;

/** What is said, else what the chain has; a first link has to say what a chain must have. */
function termsOf(parent: Token | undefined, input: Input, io: Io, nowMs: number): Terms {
  const content =
    parent === undefined || parent.content.kind === "identity" ? undefined : parent.content;
  const link = content?.kind === "link" ? content : undefined;
  const scope = input.lists.get("scope") ?? content?.scope;
  const audience = input.lists.get("audience") ?? parent?.common.audience;
  if (scope === undefined || audience === undefined) {
    throw new Misuse(`\`--${scope === undefined ? "scope" : "audience"}\` is missing`);
  }
  const expires = parent === undefined ? required("expires", input) : input.values.get("expires");
  const tools = input.values.get("tools");
  return {
    scope,
    audience,
    purpose: input.values.get("purpose"),
    tools:
      tools === undefined
        ? undefined
        : parseJson(readText(resolve(io.cwd, tools), TOOLS_BYTES_MAX), JSON.stringify(tools)),
    expiresAtMs:
      expires === undefined
        ? (parent?.common.expiresAtMs ?? nowMs)
        : nowMs + durationOf(expires, "expires"),
    depth: depthOf(input, link),
  };
}

const TOOLS_BYTES_MAX = 64 * 1024;

/** Not said, a link that continues another leaves what that leaves; any other leaves nothing. */
function depthOf({ values }: Input, link: LinkClaims | undefined): number {
  const given = values.get("depth");
  if (given === undefined) return Math.max(0, (link?.depth ?? 1) - 1);
  if (/^\d$/.test(given)) return Number(given);
  throw new Misuse(`\`--depth\` is a number from 0 to 7, not ${JSON.stringify(given)}`);
}

/** By the arithmetic that the engine will do, so that nobody finds out later. */
async function checkNarrows(tokens: readonly string[], nowMs: number): Promise<void> {
  const { delegation } = await inspectTokens(tokens);
  if (!delegation.ok)
    throw new Misuse(`the link would be refused (${delegation.cause}): ${delegation.why}`);
  const hops = hopsFrom(delegation.chain);
  const agent = { id: hops.at(-1)?.to.id ?? "" };
  const chain = readChain(hops, { nowMs, agent, verified: false });
  if (chain.ok) return;
  throw new Misuse(`the link would be refused (${chain.cause}): hop ${chain.hop}: ${chain.why}`);
}

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { makeKeyPair } from "../../engine/signing-key.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { painter } from "../terminal.ts";
import { createFile } from "../whole-file.ts";

export const command: Command = {
  name: "keys",
  summary: "make keys that bundles are signed with",
  usage: "new [options] NAME",
  description: [
    "`writ keys new NAME` makes an Ed25519 key pair: NAME.key, which signs and is readable by you alone, and NAME.pub, which verifies and goes to whoever serves what you sign. Both are PEM, as OpenSSL writes them. What is there already is never replaced.",
    "Examples:\n  writ keys new release\n  writ build --sign release.key -o policy.writb policies/payments\n  writ serve --bundle policy.writb --bundle-key release.pub",
  ],
  options: [],
  words: ["new"],
  positionals: { least: 2, most: 2 },
  run: keys,
};

async function keys({ positionals, json }: Input, io: Io): Promise<ExitCode> {
  const [verb = "", name = ""] = positionals;
  if (verb !== "new") throw new Misuse(`there is no \`writ keys ${verb}\``, "writ keys new NAME");
  const files = { private: `${name}.key`, public: `${name}.pub` };
  const there = Object.values(files).find((file) => existsSync(resolve(io.cwd, file)));
  if (there !== undefined) {
    throw new Misuse(`${JSON.stringify(there)} is already there`, "name another, or move it away");
  }
  const pair = makeKeyPair();
  createFile(resolve(io.cwd, files.private), pair.privatePem, 0o600, files.private);
  createFile(resolve(io.cwd, files.public), pair.publicPem, 0o644, files.public);
  if (json) io.out(`${JSON.stringify({ ok: true, key: pair.id, ...files }, null, 2)}\n`);
  else {
    io.out(
      `${painter(io)("green", "made")} key ${pair.id}\n` +
        `  ${files.private}  signs: keep it secret, and out of the repository\n` +
        `  ${files.public}  verifies: give it to whoever runs \`writ serve\`\n`,
    );
  }
  return 0;
}

/** Where operators reach the service: a socket that only this user can open, or a port with a credential. */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { createCredential } from "../../engine/http/admin/credential.ts";
import {
  type AdminParts,
  type Credential,
  createAdminServer,
  DEFAULT_HOST,
  type Guard,
  type Listening,
  ListenRefused,
  listen,
  listenOnSocket,
} from "../../engine/http/index.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { HOME, openHome } from "./home.ts";
import { portOf } from "./listening.ts";

export const ADMIN_SOCKET = "admin.sock";

export const CREDENTIAL_VARIABLE = "WRIT_ADMIN_CREDENTIAL";

export const CREDENTIAL_OPTION: Option = {
  name: "admin-credential",
  value: "FILE",
  variable: `${CREDENTIAL_VARIABLE}_FILE`,
  help: `holds the operators' credential (or: ${CREDENTIAL_VARIABLE})`,
};

export const ADMIN_OPTIONS: readonly Option[] = [
  {
    name: "admin",
    value: "PATH",
    help: `the socket that operators use (${HOME}/${ADMIN_SOCKET}), or off`,
  },
  { name: "admin-port", value: "PORT", help: "a port of this machine instead, with a credential" },
  CREDENTIAL_OPTION,
];

/** `undefined` where it is off. */
export async function openAdmin(
  parts: Omit<AdminParts, "guard">,
  input: Input,
  io: Io,
): Promise<Listening | undefined> {
  const path = input.values.get("admin");
  const port = input.values.get("admin-port");
  if (port === undefined) {
    if (input.values.has("admin-credential")) {
      throw new Misuse("`--admin-credential` is for `--admin-port`", "the socket needs none");
    }
    return path === "off" ? undefined : openSocket(parts, path, io);
  }
  if (path !== undefined) {
    throw new Misuse("`--admin` and `--admin-port` are two ways of one thing", "leave one out");
  }
  const credential = readCredential(input, io);
  if (credential === undefined) {
    throw new Misuse(
      "`--admin-port` needs a credential, or whoever is on this machine could operate the service",
      `\`openssl rand -base64 32 > FILE\`, and name it with \`--admin-credential\` or in ${CREDENTIAL_VARIABLE}`,
    );
  }
  const guard: Guard = { kind: "credential", credential: known(credential) };
  const app = createAdminServer({ ...parts, guard });
  return listening(() =>
    listen(app, { host: DEFAULT_HOST, port: portOf(port, "admin-port"), signals: false }),
  );
}

async function openSocket(
  parts: Omit<AdminParts, "guard">,
  given: string | undefined,
  { cwd }: Io,
): Promise<Listening> {
  const place = given === undefined ? join(openHome(cwd), ADMIN_SOCKET) : resolve(cwd, given);
  if (given !== undefined) mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
  const app = createAdminServer({ ...parts, guard: { kind: "socket" } });
  const opened = await listening(() => listenOnSocket(app, place));
  return { ...opened, address: relative(cwd, opened.address) };
}

async function listening(open: () => Promise<Listening>): Promise<Listening> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof ListenRefused) {
      throw new Misuse(
        error.message,
        "`--admin PATH` names another place; `--admin off` does without",
      );
    }
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    throw new Misuse(
      `operators cannot be given a way in: ${code}`,
      "see `--admin` and `--admin-port`",
    );
  }
}

/** The text in the file that is named, else in the environment. */
export function readCredential({ values }: Input, { cwd, env }: Io): string | undefined {
  const file = values.get("admin-credential");
  if (file === undefined) return env[CREDENTIAL_VARIABLE]?.trim() || undefined;
  try {
    if ((statSync(resolve(cwd, file)).mode & 0o077) !== 0) {
      throw new Misuse(`others can read \`${file}\``, `\`chmod 600 ${file}\``);
    }
    return readFileSync(resolve(cwd, file), "utf8").trim();
  } catch (error) {
    if (error instanceof Misuse) throw error;
    throw new Misuse(`cannot read \`${file}\`, which \`--admin-credential\` names`);
  }
}

function known(text: string): Credential {
  const credential = createCredential(text);
  if (credential.ok) return credential.value;
  throw new Misuse(
    `the operators' credential ${credential.why}`,
    "`openssl rand -base64 32` makes one",
  );
}

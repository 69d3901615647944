/** What is never meant together: a service told so does not start. What needs a file opened to see is refused where it is opened. */
import { resolve } from "node:path";
import { DEFAULT_HOST, DEFAULT_PORT, isLoopback } from "../../engine/http/index.ts";
import { type Input, type Io, Misuse } from "../command.ts";

interface Unsafe {
  when(told: Told): boolean;
  readonly because: string;
  readonly help: string;
}

interface Told extends Input {
  readonly env: Io["env"];
  /** Other machines can reach it. */
  readonly isRemote: boolean;
  path(name: string): string | undefined;
}

const UNSAFE: readonly Unsafe[] = [
  {
    when: ({ isRemote, values }) => isRemote && values.get("audit") === "off",
    because: "other machines are answered, and `--audit off` leaves no evidence of it",
    help: "leave out `--audit off`",
  },
  {
    when: ({ isRemote, flags }) => isRemote && flags.has("no-test"),
    because: "other machines are answered, by a policy that its tests may refute (`--no-test`)",
    help: "leave out `--no-test`, and see `writ test`",
  },
  {
    when: ({ isRemote, flags }) => isRemote && flags.has("watch"),
    because: "other machines are answered, by whatever is saved next (`--watch`)",
    help: "serve a signed bundle: `--bundle SOURCE --bundle-key FILE`",
  },
  {
    when: ({ isRemote, flags, values }) =>
      isRemote && flags.has("trust-modules") && values.has("shadow"),
    because:
      "other machines are answered, and one module of the candidate that does not end would stop all answers",
    help: "leave out `--shadow`, or `--trust-modules`",
  },
  {
    when: ({ flags }) => flags.has("trust-modules") && flags.has("contain-modules"),
    because: "modules cannot be both trusted and contained",
    help: "leave out one of `--trust-modules` and `--contain-modules`",
  },
  {
    when: ({ values, flags }) => values.has("listen") && flags.has("allow-remote"),
    because: "no other machine reaches a Unix socket, and `--allow-remote` would allow it",
    help: "leave out one of `--listen` and `--allow-remote`",
  },
  {
    when: ({ lists }) => (lists.get("allowed-host") ?? []).some((name) => !HOST_NAME.test(name)),
    because: "`--allowed-host` is one name or address, without scheme, port, path or `*`",
    help: "name each: whatever a browser can be told is this machine must not be among them",
  },
  {
    when: ({ lists }) => (lists.get("allowed-host") ?? []).some((name) => ANYWHERE.has(name)),
    because: "`--allowed-host` names every machine and none",
    help: "the name under which others ask",
  },
  {
    when: ({ path }) => isSame(path("audit"), path("state")),
    because: "records and state cannot stand in one file",
    help: "name two with `--audit` and `--state`",
  },
  {
    when: ({ path }) => isSame(path("audit"), path("audit-key")),
    because: "records would be written over the key that signs them",
    help: "name two files with `--audit` and `--audit-key`",
  },
  {
    when: ({ path }) => isSame(path("admin"), path("listen")),
    because: "agents would ask where operators order",
    help: "name two sockets with `--listen` and `--admin`",
  },
  {
    when: ({ values }) => {
      const ports = [
        values.get("port") ?? String(DEFAULT_PORT),
        values.get("admin-port"),
        values.get("metrics-port"),
      ].flatMap((port) => (port === undefined || Number(port) === 0 ? [] : [Number(port)]));
      return new Set(ports).size < ports.length;
    },
    because: "decisions, operators and metrics must not share a port",
    help: "name others with `--port`, `--admin-port`, `--metrics-port`",
  },
  {
    when: ({ env }) => env.NODE_TLS_REJECT_UNAUTHORIZED === "0",
    because:
      "NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody be the server that a bundle, key or state is from",
    help: "unset it; NODE_EXTRA_CA_CERTS adds an authority of yours",
  },
  {
    when: ({ env }) => /(?:^|[\s"])--inspect/.test(env.NODE_OPTIONS ?? ""),
    because: "NODE_OPTIONS opens a debugger, and who reaches that decides",
    help: "unset `--inspect`",
  },
  {
    when: ({ env }) =>
      // Node takes `_` for `-` in names, and options in quotes.
      /(?:^|[\s"])(?:-r|--(?:require|import|loader|experimental[-_]loader))(?=[\s="]|$)/.test(
        env.NODE_OPTIONS ?? "",
      ),
    because: "NODE_OPTIONS has other code loaded into what decides",
    help: "unset it",
  },
];

/** Of what an `allowed-host` may be, as `Host` has it without a port. */
const HOST_NAME =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])$/;
const ANYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "[::]"]);

/** Throws `Misuse` for the first. */
export function refuseUnsafe(input: Input, io: Io): void {
  const [first] = unsafeIn(input, io);
  if (first !== undefined) throw new Misuse(first.because, first.help);
}

/** All that is refused, for whoever wants to know it at once. */
export function unsafeIn(input: Input, io: Io): readonly Pick<Unsafe, "because" | "help">[] {
  const { values } = input;
  const told: Told = {
    ...input,
    env: io.env,
    isRemote: isRemote(input),
    path(name) {
      const given = values.get(name)?.replace(/^unix:/, "");
      return given === undefined ? undefined : resolve(io.cwd, given);
    },
  };
  return UNSAFE.filter((one) => one.when(told));
}

/** Where it listens, other machines can ask. */
export function isRemote({ values, flags }: Input): boolean {
  return flags.has("allow-remote") && !isLoopback(values.get("host") ?? DEFAULT_HOST);
}

function isSame(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one === other;
}

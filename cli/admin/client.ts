/** Asks a running `writ serve` what operators may ask, by its socket or its port. */
import { existsSync } from "node:fs";
import { type RequestOptions, request } from "node:http";
import { join, resolve } from "node:path";
import { shortest } from "../../engine/http/index.ts";
import { parseJsonText } from "../../engine/json-text.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import {
  ADMIN_SOCKET,
  CREDENTIAL_OPTION,
  CREDENTIAL_VARIABLE,
  readCredential,
} from "../serve/admin.ts";
import { HOME } from "../serve/home.ts";

export const CLIENT_OPTIONS: readonly Option[] = [
  {
    name: "admin",
    value: "WHERE",
    help: `the socket of the service (${HOME}/${ADMIN_SOCKET}), or its http:// address`,
  },
  CREDENTIAL_OPTION,
];

export interface AdminClient {
  /** Where it asks, as people name it. */
  readonly place: string;
  get<Body>(path: string, query?: Query): Promise<Body>;
  post<Body>(path: string, body: object): Promise<Body>;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The service answered, and not with what was asked for. */
export class AdminRefused extends Misuse {
  /** `unknown_session` */
  readonly problem: string;
  /** In the service's words. */
  readonly said: string;

  constructor(problem: string, said: string, where: string) {
    super(`${where} refuses: ${said}`);
    this.problem = problem;
    this.said = said;
  }
}

/** Nobody answers. */
export class NoService extends Misuse {}

const TIMEOUT_MS = 5_000;
/** A page of a thousand sessions has a megabyte at most. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export function openClient(input: Input, io: Io): AdminClient {
  const where = input.values.get("admin") ?? join(HOME, ADMIN_SOCKET);
  const to = whereTo(where, io);
  const token = readCredential(input, io);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    place: where,
    get: (path, query) => ask({ ...to, path: path + spellQuery(query), headers }, where),
    post: (path, body) => {
      const json = { ...headers, "content-type": "application/json" };
      return ask({ ...to, path, method: "POST", headers: json }, where, JSON.stringify(body));
    },
  };
}

/** Over a network a credential would be sent in the clear, so addresses are this machine's. */
function whereTo(where: string, { cwd }: Io): Pick<RequestOptions, "socketPath" | "host" | "port"> {
  if (!/^[a-z]+:\/\//i.test(where)) {
    const path = resolve(cwd, where);
    if (!existsSync(path)) throw nobody(where, "no socket is there");
    return { socketPath: shortest(path) };
  }
  const url = URL.canParse(where) ? new URL(where) : undefined;
  const local = url !== undefined && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (!local || url.protocol !== "http:" || url.pathname !== "/") {
    throw new Misuse(
      `\`${where}\` is no address of this machine`,
      "`--admin http://127.0.0.1:PORT`; for another machine, forward its socket: `ssh -L`",
    );
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port };
}

function spellQuery(query: Query = {}): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

async function ask<Body>(options: RequestOptions, where: string, body?: string): Promise<Body> {
  const { status, text } = await exchange(options, where, body);
  const json = parsed(text, where);
  if (status === 200) return json as Body;
  const { type = "", title = "", detail = "" } = json as Readonly<Record<string, string>>;
  const problem = type.replace("urn:writ:problem:", "");
  if (problem === "unauthenticated") {
    throw new Misuse(
      `the service at ${where} wants the operators' credential`,
      `\`--admin-credential FILE\`, or ${CREDENTIAL_VARIABLE}`,
    );
  }
  throw new AdminRefused(problem, [title, detail].filter(Boolean).join(": "), where);
}

interface Answered {
  readonly status: number | undefined;
  readonly text: string;
}

function exchange(options: RequestOptions, where: string, body = ""): Promise<Answered> {
  return new Promise((resolveWith, reject) => {
    const asked = request({ ...options, agent: false, timeout: TIMEOUT_MS }, (answer) => {
      const chunks: Buffer[] = [];
      let length = 0;
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > ANSWER_BYTES_MAX) asked.destroy(new Error("it answers without end"));
      });
      answer.on("end", () => {
        resolveWith({ status: answer.statusCode, text: Buffer.concat(chunks).toString() });
      });
      answer.on("error", (error) => reject(nobody(where, error.message)));
    });
    asked.on("timeout", () => asked.destroy(new Error("it does not answer")));
    asked.on("error", (error) => reject(nobody(where, wordsOf(error))));
    asked.end(body);
  });
}

function wordsOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ECONNREFUSED") return "nobody listens there any more";
  if (error.code === "EACCES") return "it belongs to another user";
  return error.message;
}

function nobody(where: string, why: string): NoService {
  return new NoService(
    `no service answers at ${where}: ${why}`,
    "`writ serve POLICY` starts one here; `--admin` names one that runs elsewhere",
  );
}

function parsed(text: string, where: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    throw new Misuse(`what answers at ${where} is no service of writ`);
  }
}

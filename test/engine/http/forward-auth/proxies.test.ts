/** A real proxy in front of a site, which asks before it passes a request on. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Listening, listen } from "../../../../engine/http/index.ts";
import { PAGES, serveProxied } from "./site.ts";

const GUIDE = readFileSync(new URL("../../../../docs/integrations.md", import.meta.url), "utf8");

interface Ports {
  readonly own: number;
  readonly site: number;
  readonly writ: string;
}

interface Proxy {
  readonly name: "nginx" | "caddy";
  readonly version: string;
  /** Writes its files into a folder; gives the words that it is started with. */
  configure(shown: string, ports: Ports, folder: string): readonly string[];
  /** What it answers where the service does not. */
  readonly undecided: number;
}

const PROXIES: readonly Proxy[] = [
  { name: "nginx", version: "-v", configure: configureNginx, undecided: 500 },
  { name: "caddy", version: "version", configure: configureCaddy, undecided: 502 },
];

function isInstalled({ name, version }: Proxy): boolean {
  try {
    execFileSync(name, [version], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI !== undefined)
      throw new Error(`the test needs ${name}, and CI must have it`);
    console.warn(`SKIPPED: there is no ${name}, which this test asks through`);
    return false;
  }
}

describe.each(PROXIES)("$name, configured as docs/integrations.md says", (proxy) => {
  if (!isInstalled(proxy)) return test.skip("it is not installed", () => {});
  const { name, undecided } = proxy;
  let site: Server;
  let writ: Listening;
  let running: ChildProcess;
  let url = "";
  const folder = mkdtempSync(join(tmpdir(), `writ-${name}-`));
  const seen: string[] = [];

  beforeAll(async () => {
    site = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers["x-writ-call"] ?? ""}`);
      request.resume().once("end", () => response.end("the page"));
    });
    const sitePort = await portOf(site);
    writ = await listen(serveProxied({ ...PAGES, proxy: name }), { port: 0, signals: false });
    const free = createServer();
    const port = await portOf(free);
    await new Promise((done) => free.close(done));
    const ports = { own: port, site: sitePort, writ: new URL(writ.address).port };
    url = `http://127.0.0.1:${port}`;
    const words = proxy.configure(shownFor(name), ports, folder);
    const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    running = spawn(name, words, { stdio: ["ignore", "ignore", "ignore"], env });
    await answering(url);
  }, 30_000);

  afterAll(async () => {
    // It makes folders of its own for as long as it runs.
    if (running?.kill("SIGTERM")) await once(running, "exit");
    site?.close();
    await writ?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const get = (path: string, init: RequestInit = {}) => fetch(url + path, init);
  const crew = { "x-api-key": "crew-key" };

  test("what is allowed passes, with the call it is named by", async () => {
    const response = await get("/pages/a.html?x=1", { headers: crew });
    expect([response.status, await response.text()]).toEqual([200, "the page"]);
    expect(seen.at(-1)).toMatch(/^GET \/pages\/a\.html\?x=1 \S+$/);
  });

  test("a site has a name of its own, which the service need not answer for", async () => {
    const headers = { ...crew, host: "site.example" };
    const before = seen.length;
    const status = await new Promise((done, failed) => {
      const asked = request(`${url}/pages/a.html`, { headers }, (response) => {
        response.resume().once("end", () => done(response.statusCode));
      });
      asked.once("error", failed).end();
    });
    // Caddy answers 200 with nothing for a site that it does not have.
    expect(seen.length).toBe(before + 1);
    expect(status).toBe(200);
  });

  test("a forged host is not believed, where a doubtful one would be refused", async () => {
    const forged = "another.site.";
    const headers = { ...crew, "x-original-host": forged, "x-forwarded-host": forged };
    expect((await get("/pages/a.html", { headers })).status).toBe(200);
  });

  test.each<[string, string, RequestInit]>([
    ["another page", "/secrets", { headers: crew }],
    ["nobody", "/pages/a.html", {}],
    ["a forged agent", "/pages/a.html", { headers: { "x-agent": "bot", "x-agent-group": "crew" } }],
    ["an agent by another spelling", "/pages/a.html", { headers: { x_agent: "bot" } }],
    [
      "a forged path",
      "/secrets",
      {
        headers: { ...crew, "x-original-uri": "/pages/a.html", "x-forwarded-uri": "/pages/a.html" },
      },
    ],
    [
      "a forged method",
      "/pages/a.html",
      {
        method: "PUT",
        body: "x",
        headers: { ...crew, "x-original-method": "GET", "x-forwarded-method": "GET" },
      },
    ],
    ["another method", "/pages/a.html", { method: "DELETE", headers: crew }],
    [
      "a method that some servers take instead",
      "/pages/a.html",
      { headers: { ...crew, "x-http-method-override": "DELETE" } },
    ],
    ["an escaped slash", "/pages%2Fa.html", { headers: crew }],
    ["a dot that is escaped twice", "/pages/%252e%252e/secrets", { headers: crew }],
  ])("%s does not", async (_name, path, init) => {
    const before = seen.length;
    const response = await get(path, init);
    expect(response.status).toBe(403);
    expect(seen.length).toBe(before);
  });

  test("a body is the site's, and not read on the way", async () => {
    const response = await get("/pages/drafts/a.html", {
      method: "PUT",
      body: "x".repeat(200_000),
      headers: crew,
    });
    expect(response.status).toBe(200);
  });

  test("without the service nothing passes", async () => {
    await writ.stop();
    const before = seen.length;
    expect((await get("/pages/a.html", { headers: crew })).status).toBe(undecided);
    expect(seen.length).toBe(before);
  });
});

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** What the guide shows, which begins with the proxy's name. */
function shownFor(name: string): string {
  const [, shown] = new RegExp(`\`\`\`${name}\\n(.*?)\`\`\``, "s").exec(GUIDE) ?? [];
  if (shown === undefined) throw new Error(`docs/integrations.md shows nothing of ${name}`);
  return shown;
}

/** On these ports. */
function moved(shown: string, { site, writ }: Ports): string {
  return shown
    .replaceAll("127.0.0.1:8787", `127.0.0.1:${writ}`)
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${site}`);
}

/** The documented `server`, in what nginx needs around it; as whoever runs the test, so that its folder can be written to. */
function configureNginx(shown: string, ports: Ports, folder: string): readonly string[] {
  const conf = join(folder, "nginx.conf");
  const text = `
user ${userInfo().username};
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${moved(shown, ports).replace("listen 80;", `listen 127.0.0.1:${ports.own};`)}
}`;
  writeFileSync(conf, text);
  return ["-p", folder, "-c", conf, "-g", "daemon off;"];
}

function configureCaddy(shown: string, ports: Ports, folder: string): readonly string[] {
  const conf = join(folder, "Caddyfile");
  const site = moved(shown, ports).replace(":80 {", `http://:${ports.own} {\n  bind 127.0.0.1`);
  writeFileSync(conf, `{\n  admin off\n  auto_https off\n}\n${site}`);
  return ["run", "--adapter", "caddyfile", "--config", conf];
}

async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      await fetch(url);
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Error(`nothing answers at ${url}`);
}

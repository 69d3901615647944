/** A real nginx in front of a site, which asks before it passes a request on. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Listening, listen } from "../../../../engine/http/index.ts";
import { serveProxied } from "./site.ts";

const CONFIG = /```nginx\n(.*?)```/s.exec(
  readFileSync(new URL("../../../../docs/integrations.md", import.meta.url), "utf8"),
)?.[1];

function isInstalled(): boolean {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI !== undefined) throw new Error("the test needs nginx, and CI must have it");
    console.warn("SKIPPED: there is no nginx, which this test asks through");
    return false;
  }
}

describe.skipIf(!isInstalled())("nginx, configured as docs/integrations.md says", () => {
  let site: Server;
  let writ: Listening;
  let nginx: ChildProcess;
  let url = "";
  const folder = mkdtempSync(join(tmpdir(), "writ-nginx-"));
  const seen: string[] = [];

  beforeAll(async () => {
    site = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers["x-writ-call"] ?? ""}`);
      request.resume().once("end", () => response.end("the page"));
    });
    const sitePort = await portOf(site);
    writ = await listen(serveProxied(), { port: 0, signals: false });
    const free = createServer();
    const port = await portOf(free);
    await new Promise((done) => free.close(done));
    const conf = join(folder, "nginx.conf");
    writeFileSync(conf, configFor(port, sitePort, new URL(writ.address).port, folder));
    url = `http://127.0.0.1:${port}`;
    nginx = spawn("nginx", ["-p", folder, "-c", conf, "-g", "daemon off;"], { stdio: "inherit" });
    await answering(url);
  }, 30_000);

  afterAll(async () => {
    nginx?.kill("SIGTERM");
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

  test("a forged host is not believed, where a doubtful one would be refused", async () => {
    const headers = { ...crew, "x-original-host": "another.site." };
    expect((await get("/pages/a.html", { headers })).status).toBe(200);
  });

  test.each<[string, string, RequestInit]>([
    ["another page", "/secrets", { headers: crew }],
    ["nobody", "/pages/a.html", {}],
    ["a forged agent", "/pages/a.html", { headers: { "x-agent": "bot", "x-agent-group": "crew" } }],
    ["a forged path", "/secrets", { headers: { ...crew, "x-original-uri": "/pages/a.html" } }],
    [
      "a forged method",
      "/pages/a.html",
      { method: "PUT", body: "x", headers: { ...crew, "x-original-method": "GET" } },
    ],
    ["another method", "/pages/a.html", { method: "DELETE", headers: crew }],
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
    expect((await get("/pages/a.html", { headers: crew })).status).toBe(500);
    expect(seen.length).toBe(before);
  });
});

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** The documented `server`, on these ports, in what nginx needs around it. */
function configFor(port: number, sitePort: number, writPort: string, folder: string): string {
  if (CONFIG === undefined) throw new Error("docs/integrations.md shows no nginx configuration");
  const shown = CONFIG.replace("listen 80;", `listen 127.0.0.1:${port};`)
    .replaceAll("127.0.0.1:8787", `127.0.0.1:${writPort}`)
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${sitePort}`);
  // As whoever runs the test, so that its folder can be written to.
  return `
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
  ${shown}
}`;
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
  throw new Error("nginx does not answer");
}

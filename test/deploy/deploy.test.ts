/** What `deploy/` holds, linted with what there is and run as far as it goes without a cluster or a container. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { HTTP_LIMITS } from "../../engine/limits.ts";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";
import { type Serving, serve } from "../support/served.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const file = (name: string) => readFileSync(join(ROOT, "deploy", name), "utf8");

/** The status of a request to this machine that names another, as probes and peers do. */
function statusOf(url: string, host: string, body?: object): Promise<number | undefined> {
  const method = body === undefined ? "GET" : "POST";
  const headers = { host, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
    asking.on("error", reject).end(body && JSON.stringify(body));
  });
}

// biome-ignore lint/suspicious/noExplicitAny: YAML that a test looks into
type Tree = any;

describe("the Kubernetes manifest", () => {
  const documents = parseAllDocuments(file("kubernetes.yaml"));
  const objects: Tree[] = documents.map((document) => document.toJS());
  const of = (kind: string) => objects.find((object) => object.kind === kind);
  const pod = of("StatefulSet").spec.template;
  const [container] = pod.spec.containers;

  test("is YAML without a fault, of objects with a version, a kind and a name", () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    for (const { apiVersion, kind, metadata } of objects) {
      expect([apiVersion, kind, metadata.name].map((one) => typeof one)).not.toContain("undefined");
    }
  });

  test("names what is there: labels, ports, volumes", () => {
    const { labels } = pod.metadata;
    expect(of("StatefulSet").spec.selector.matchLabels).toEqual(labels);
    expect(of("Service").spec.selector).toEqual(labels);
    expect(of("NetworkPolicy").spec.podSelector.matchLabels).toEqual(labels);
    const ports = container.ports.map((port: Tree) => port.name);
    const named = [
      ...of("Service").spec.ports.map((port: Tree) => port.targetPort),
      ...of("NetworkPolicy").spec.ingress.flatMap(({ ports }: Tree) =>
        ports.map((one: Tree) => one.port),
      ),
      ...["startupProbe", "livenessProbe", "readinessProbe"].map(
        (probe) => container[probe].httpGet.port,
      ),
    ];
    for (const name of named) expect(ports).toContain(name);
    const volumes = [
      ...pod.spec.volumes.map((volume: Tree) => volume.name),
      ...of("StatefulSet").spec.volumeClaimTemplates.map((claim: Tree) => claim.metadata.name),
    ];
    expect(container.volumeMounts.map((mount: Tree) => mount.name).sort()).toEqual(volumes.sort());
  });

  test("gives it no right that it does not need", () => {
    expect(pod.spec).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.image).toMatch(/:\d/);
    const pausedMs = container.lifecycle.preStop.sleep.seconds * 1_000;
    const graceMs = pod.spec.terminationGracePeriodSeconds * 1_000;
    expect(graceMs).toBeGreaterThan(pausedMs + 2 * HTTP_LIMITS.drainMs);
  });

  test("its settings come up, its probes are answered, and only names of its own", async () => {
    const { serving, port } = await up(of("ConfigMap").data["writ.yaml"], container.ports);
    const url = `http://127.0.0.1:${port}`;
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      expect(await statusOf(`${url}${container[probe].httpGet.path}`, "10.1.2.3:8787")).toBe(200);
    }
    expect(await statusOf(`${url}/decide`, "writ.default.svc:8787", PAYMENT)).toBe(200);
    expect(await statusOf(`${url}/decide`, "writ.evil.example:8787", PAYMENT)).toBe(403);
    expect(await statusOf(`${serving.listening.metrics}/metrics`, "10.1.2.3:9464")).toBe(200);
    expect((await serving.stop()).code).toBe(0);
  });
});

/** As the settings say, but for the bundle and on free ports. */
async function up(
  settings: string,
  ports: readonly { readonly containerPort: number }[],
): Promise<{ readonly serving: Serving; readonly port: number }> {
  expect(ports.map(({ containerPort }) => containerPort)).toEqual([8787, 9464]);
  expect(settings).toContain("metrics-port: 9464");
  const cwd = directoryWith({ "small/small.writ": SMALL, "writ.yaml": settings });
  await writ(["keys", "new", "release"], { cwd });
  await writ(["build", "--sign", "release.key", "-o", "small.writb", "small"], { cwd });
  const words = ["--config", "writ.yaml", "--bundle", "small.writb", "--bundle-key", "release.pub"];
  const serving = await serve([...words, "--metrics-port", "0"], cwd);
  return { serving, port: Number(new URL(serving.url).port) };
}

describe("the container", () => {
  const text = file("Dockerfile").replace(/\\\n\s*/g, "");
  const stages = text.split(/^FROM /m).slice(1);
  const last = stages.at(-1) ?? "";

  test("runs as a user without rights, stops as it is told, and holds no secret", () => {
    expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(last).toMatch(/^ENTRYPOINT \[/m);
    expect(last).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(text).not.toMatch(/^ADD |curl |wget |:latest|sudo/m);
    const version = readFileSync(join(ROOT, ".node-version"), "utf8").trim();
    expect(stages[0]).toMatch(new RegExp(`^node:${version}-`));
    expect(last).toMatch(new RegExp(`/nodejs${version.split(".")[0]}-debian\\d+:nonroot\n`));
    expect(last).not.toMatch(/^RUN /m);
  });

  test("is built of what is there, and of nothing else", () => {
    const allowed = file("Dockerfile.dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"));
    for (const line of allowed) expect(existsSync(join(ROOT, line.slice(1))), line).toBe(true);
    const copied = [...last.matchAll(/^COPY --from=build \/build\/(\S+)/gm)].map(
      ([, path]) => path,
    );
    const made = ["dist", "node_modules"];
    for (const path of copied)
      expect([...made, ...allowed.map((line) => line.slice(1))]).toContain(path);
  });

  test("is healthy when it is ready, and only then", { timeout: 30_000 }, async () => {
    const [, json = ""] = /^HEALTHCHECK .*?CMD (\[.*\])$/m.exec(last) ?? [];
    const [, ...words] = JSON.parse(json) as string[];
    const cwd = directoryWith({ "small/small.writ": SMALL });
    const serving = await serve(["small"], cwd);
    const env = { ...process.env, WRIT_PORT: new URL(serving.url).port };
    const check = () => promisify(execFile)(process.execPath, words, { env });
    await check();
    await serving.stop();
    await expect(check()).rejects.toMatchObject({ code: 1 });
  });
});

describe("the systemd unit", () => {
  const isThere = spawnSync("systemd-analyze", ["--version"]).status === 0;
  if (!isThere) console.warn("systemd-analyze is missing: the unit is not verified");

  /** With a program that is there in the place of the one that is installed. */
  function unit(): string {
    const text = file("writ.service").replace("/usr/bin/writ", process.execPath);
    return join(directoryWith({ "writ.service": text }), "writ.service");
  }

  test.skipIf(!isThere && !process.env.CI)("is one that systemd takes", () => {
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", unit()]);
    expect(`${verified.stdout}${verified.stderr}`).not.toMatch(/writ\.service/);
    expect(verified.status).toBe(0);
  });

  test.skipIf(!isThere && !process.env.CI)("exposes as little as it can: 2.0 of 10 at most", () => {
    const words = ["security", "--offline=true", "--threshold=20", unit()];
    const rated = spawnSync("systemd-analyze", words);
    expect(rated.status, String(rated.stdout).slice(-200)).toBe(0);
  });
});

test("the settings for a machine of its own are as strong as settings can be", async () => {
  const cwd = directoryWith({ "writ.yaml": file("writ.yaml") });
  const { out } = await writ(["doctor", "--json", "--config", "writ.yaml"], { cwd });
  const { weakened, refused } = JSON.parse(out);
  // Tests may run as root; the service does not.
  expect(weakened.filter(({ control }: Tree) => control !== "user")).toEqual([]);
  expect(refused).toEqual([]);
});

/** An engine's own process, as the run sees it. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoadCost, Order, Report } from "./child.ts";

export class Contestant {
  readonly engine: string;
  readonly #child: ChildProcess;

  constructor(engine: string) {
    this.engine = engine;
    const script = fileURLToPath(new URL("child.ts", import.meta.url));
    this.#child = fork(script, { execArgv: ["--expose-gc"] });
  }

  async load(rules: number, built?: string): Promise<LoadCost> {
    const order = { kind: "load", engine: this.engine, rules, ...(built && { built }) } as const;
    const { cost } = await this.ask(order);
    if (cost === undefined) throw new Error(`${this.engine} did not say what loading cost`);
    return cost;
  }

  ask(order: Order): Promise<Report> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`${this.engine} ended when asked to ${order.kind}`));
      this.#child.once("exit", ended);
      this.#child.once("message", (report: Report) => {
        this.#child.off("exit", ended);
        if (report.failed === undefined) resolve(report);
        else reject(new Error(`${this.engine}: ${report.failed}`));
      });
      this.#child.send(order);
    });
  }

  end(): void {
    this.#child.removeAllListeners();
    this.#child.kill();
  }
}

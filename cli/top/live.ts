/** Draws readings of a service until `q` is pressed: on a screen of its own, so that nothing scrolls away. */
import { setTimeout as sleep } from "node:timers/promises";
import { NoService } from "../admin/client.ts";
import type { Io, Screen } from "../command.ts";
import { painter } from "../terminal.ts";
import { cell } from "./line.ts";
import { type Order, pictureOf, type Reading } from "./picture.ts";

export interface LiveParts {
  read(): Promise<Reading>;
  /** As people name it. */
  readonly place: string;
}

const EVERY_MS = 1_000;

export async function watch({ read, place }: LiveParts, screen: Screen, io: Io): Promise<void> {
  const first = await read();
  const showing = new Showing(first, place, screen, io);
  let release = () => {};
  const quit = new Promise<void>((done) => {
    release = screen.onKey((key) => {
      if (showing.press(key) === "quit") done();
    });
  });
  const ended = new AbortController();
  void Promise.race([quit, io.stopped]).then(() => ended.abort());
  io.out(OPEN);
  try {
    while (!ended.signal.aborted) {
      showing.draw();
      await sleep(EVERY_MS, undefined, { signal: ended.signal }).catch(() => {});
      if (!ended.signal.aborted) await showing.take(read);
    }
  } finally {
    release();
    io.out(CLOSE);
  }
}

const ESCAPE = "\u001b";
/** Another screen than the one that scrolls, without a cursor. */
const OPEN = `${ESCAPE}[?1049h${ESCAPE}[?25l`;
const CLOSE = `${ESCAPE}[?25h${ESCAPE}[?1049l`;
const HOME = `${ESCAPE}[H`;
const CLEAR_LINE = `${ESCAPE}[K`;
const CLEAR_BELOW = `${ESCAPE}[J`;

const ORDERS: readonly Order[] = ["near", "value", "name"];

class Showing {
  #reading: Reading;
  #order: Order = "near";
  #paused = false;
  #trouble: string | undefined;
  readonly #place: string;
  readonly #screen: Screen;
  readonly #io: Io;

  constructor(first: Reading, place: string, screen: Screen, io: Io) {
    this.#reading = first;
    this.#place = place;
    this.#screen = screen;
    this.#io = io;
  }

  press(key: string): "quit" | undefined {
    if (key === "q" || key === "\u0003" || key === ESCAPE) return "quit";
    if (key === "s")
      this.#order = ORDERS[(ORDERS.indexOf(this.#order) + 1) % ORDERS.length] ?? "near";
    if (key === "p" || key === " ") this.#paused = !this.#paused;
    this.draw();
    return undefined;
  }

  /** A service that is away for a while is waited for. */
  async take(read: () => Promise<Reading>): Promise<void> {
    if (this.#paused) return;
    try {
      this.#reading = await read();
      this.#trouble = undefined;
    } catch (error) {
      if (!(error instanceof NoService)) throw error;
      this.#trouble = error.message;
    }
  }

  draw(): void {
    const { columns, rows } = this.#screen.size();
    const paint = painter(this.#io);
    const frame = { columns, rows: rows - 1, order: this.#order, paint };
    const picture = pictureOf(this.#reading, frame);
    const lines = [...picture, ...Array(Math.max(0, rows - 1 - picture.length)).fill("")];
    const body = lines.map((line) => `${line}${CLEAR_LINE}\r\n`).join("");
    this.#io.out(`${HOME}${body}${cell(this.#foot(), columns)}${CLEAR_BELOW}`);
  }

  #foot(): string {
    const paint = painter(this.#io);
    if (this.#trouble !== undefined) return paint("red", ` ${this.#trouble} (waiting)`);
    const state = this.#paused ? paint("yellow", "paused") : this.#place;
    return ` ${paint("bold", "q")} quit  ${paint("bold", "s")} sort  ${paint("bold", "p")} pause   ${state}`;
  }
}

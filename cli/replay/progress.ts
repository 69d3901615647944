import type { Io } from "../command.ts";

export interface Progress {
  step(): void;
  end(): void;
}

const SILENT: Progress = { step: () => {}, end: () => {} };

/** Drawn over itself on a terminal, and nowhere else. */
export function progressOn(io: Io, total: number, what: string): Progress {
  if (!io.interactive || total < 200) return SILENT;
  let done = 0;
  return {
    step: () => {
      done += 1;
      if (done % 50 === 0) io.err(`\r${done} of ${total} ${what}`);
    },
    end: () => io.err(`\r${" ".repeat(40)}\r`),
  };
}

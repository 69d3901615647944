/** Compound commands: groups, conditions, loops, cases, tests and functions. */
import { FUNCTION_SIGN, SimpleCommandReader } from "./simple.ts";
import type { Assignment, Command, List, Redirect, Word } from "./tree.ts";

/** Operators of `[[` that take numbers, or a name with its index. */
const EVALUATING_TEST = /^-(?:eq|ne|lt|le|gt|ge|v|R)$/;

export abstract class CompoundReader extends SimpleCommandReader {
  protected abstract command(): Command;

  protected parenthesis(): Command {
    if (this.peek("((")) {
      return this.compound({ words: [this.calculation()], bodies: [] });
    }
    this.at += 1;
    const body = this.list([]);
    this.expect(")");
    return this.compound({ shell: "own", bodies: [body] });
  }

  protected braces(): Command {
    this.at += 1;
    const body = this.list(["}"]);
    this.expectReserved("}");
    return this.compound({ bodies: [body] });
  }

  protected conditional(): Command {
    this.at += 2;
    const bodies = [this.list(["then"])];
    this.expectReserved("then");
    while (this.at < this.text.length) {
      bodies.push(this.list(["elif", "else", "fi"]));
      const word = this.reserved();
      if (word === "fi" || word === undefined) break;
      this.at += word.length;
      if (word === "elif") {
        bodies.push(this.list(["then"]));
        this.expectReserved("then");
      }
    }
    this.expectReserved("fi");
    return this.compound({ bodies });
  }

  protected loop(
    skip: number,
    words: readonly Word[],
    assignments: readonly Assignment[] = [],
  ): Command {
    this.at += skip;
    const condition = this.list(["do"]);
    this.expectReserved("do");
    const body = this.list(["done"]);
    this.expectReserved("done");
    return this.compound({ repeats: true, assignments, words, bodies: [condition, body] });
  }

  protected each(skip: number): Command {
    this.at += skip;
    this.skipBlank();
    const words: Word[] = [];
    const values: Word[] = [];
    let name: string | undefined;
    if (this.peek("((")) {
      words.push(this.calculation());
    } else {
      const names = this.words();
      if (!names.every((word) => /^[A-Za-z_]\w*$/.test(word.text))) this.sound = false;
      name = names[0]?.text;
      this.skipSpace();
      if (this.reserved() === "in") {
        this.at += 2;
        for (this.skipBlank(); !this.atWordEnd(); this.skipBlank()) values.push(...this.words());
      }
    }
    this.skipBlank();
    this.take(";");
    return this.loop(0, words, name === undefined ? [] : [{ name, values }]);
  }

  protected cases(): Command {
    this.at += 4;
    this.skipBlank();
    const words = [...this.words()];
    const bodies: List[] = [];
    this.skipSpace();
    this.expectReserved("in");
    while (true) {
      this.skipSpace();
      if (this.at >= this.text.length || this.reserved() === "esac") break;
      this.take("(");
      for (this.skipBlank(); !this.atWordEnd() || this.take("|"); this.skipBlank()) {
        if (!this.atWordEnd()) words.push(...this.words());
      }
      if (!this.expect(")")) break;
      bodies.push(this.list(["esac"]));
      if (!(this.take(";;&") || this.take(";;") || this.take(";&"))) break;
    }
    this.expectReserved("esac");
    return this.compound({ words, bodies });
  }

  /** `[[ … ]]`: its words are expanded, its operators are not redirections. */
  protected test(): Command {
    this.at += 2;
    const words: Word[] = [];
    while (this.at < this.text.length) {
      this.skipSpace();
      if (/^\]\](?=[ \t\n;&|()<>]|$)/.test(this.text.slice(this.at, this.at + 3))) {
        this.at += 2;
        return this.compound({ words, bodies: [] });
      }
      if (this.atWordEnd()) this.at += 1;
      else words.push(...this.words());
      if (EVALUATING_TEST.test(words.at(-1)?.text ?? "")) this.evaluates = true;
    }
    this.sound = false;
    return this.compound({ words, bodies: [] });
  }

  protected namedFunction(): Command {
    this.at += "function".length;
    this.skipBlank();
    const words = this.words();
    if (!words.every((word) => word.fixed)) this.sound = false;
    this.match(FUNCTION_SIGN);
    return this.functionBody(words[0]?.text ?? "");
  }

  protected functionBody(name: string): Command {
    this.skipSpace();
    if (!this.enter()) return this.compound({ bodies: [] });
    const body = this.command();
    this.depth -= 1;
    return this.compound({ name, shell: "later", bodies: [[{ after: ";", pipeline: [body] }]] });
  }

  protected compound(parts: {
    name?: string;
    shell?: "own" | "later";
    repeats?: true;
    assignments?: readonly Assignment[];
    words?: readonly Word[];
    bodies: readonly List[];
  }): Command {
    const redirects: Redirect[] = [];
    for (this.skipBlank(); this.redirect(redirects); this.skipBlank());
    return {
      kind: "compound",
      shell: parts.shell ?? "same",
      ...(parts.name === undefined ? {} : { name: parts.name }),
      repeats: parts.repeats ?? false,
      assignments: parts.assignments ?? [],
      words: parts.words ?? [],
      bodies: parts.bodies,
      redirects,
    };
  }
}

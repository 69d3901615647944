/**
 * `JSON.parse` where keys come from others. V8 takes a key that is spelled with an escape for another, if it began
 * so in an object of the same shape that was read before: once `{"a":0,"\\":0}` was read, `{"a":0,"\n":0}` reads as
 * the same (from 12.8 on, in Node 23 to 26 at least; nodejs/node#63785). Whoever chooses keys could so let a record
 * tell of another request than was decided.
 *
 * `numberOf`: what a number becomes, by how it is spelled. Throws what `JSON.parse` throws.
 */
export function parseJsonText(text: string, numberOf?: (spelled: string) => unknown): unknown {
  // What is no JSON is refused here, so that nothing needs to be checked below.
  const value: unknown = JSON.parse(text);
  if (numberOf === undefined && !text.includes("\\")) return value;
  return new ValidText(text, numberOf ?? Number).value();
}

/** Invariant: `position` is in front of the next character to be read, in a text that is JSON. */
class ValidText {
  private readonly text: string;
  private readonly numberOf: (spelled: string) => unknown;
  private position = 0;

  constructor(text: string, numberOf: (spelled: string) => unknown) {
    this.text = text;
    this.numberOf = numberOf;
  }

  value(): unknown {
    switch (this.next()) {
      case "{":
        return this.object();
      case "[":
        return this.array();
      case '"':
        return this.string();
      default:
        return this.word();
    }
  }

  private object(): unknown {
    const members: Record<string, unknown> = {};
    while (this.hasNext("}")) {
      const key = this.string();
      this.next();
      this.position += 1;
      const value = this.value();
      // Assigned, `__proto__` would be what the object inherits from.
      if (key === "__proto__") Object.defineProperty(members, key, { ...OWN, value });
      else members[key] = value;
    }
    return members;
  }

  private array(): unknown {
    const items: unknown[] = [];
    while (this.hasNext("]")) items.push(this.value());
    return items;
  }

  /** Steps over the bracket or comma in front of a member, or over the bracket behind the last. */
  private hasNext(close: string): boolean {
    const isEnd = this.next() === close;
    this.position += 1;
    if (isEnd) return false;
    if (this.next() !== close) return true;
    this.position += 1;
    return false;
  }

  private string(): string {
    const start = this.position;
    let end = start + 1;
    while (this.text[end] !== '"') end += this.text[end] === "\\" ? 2 : 1;
    this.position = end + 1;
    // A text alone has no shape that it could be taken for another by.
    return JSON.parse(this.text.slice(start, end + 1)) as string;
  }

  private word(): unknown {
    WORD.lastIndex = this.position;
    const [word = ""] = WORD.exec(this.text) ?? [];
    this.position += word.length;
    return /^[tfn]/.test(word) ? JSON.parse(word) : this.numberOf(word);
  }

  /** The next character that is no white space. */
  private next(): string | undefined {
    SPACE.lastIndex = this.position;
    this.position += SPACE.exec(this.text)?.[0].length ?? 0;
    return this.text[this.position];
  }
}

const OWN = { enumerable: true, configurable: true, writable: true };
const SPACE = /[ \t\n\r]*/y;
const WORD = /[^ \t\n\r,\]}]+/y;

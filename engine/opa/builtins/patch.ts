/** `json.patch` (RFC 6902), on Rego's values: paths are JSON pointers or arrays of steps, and lead into sets too. Pure. */
import { equalRego, isRegoArray, type Rego, RegoObject, RegoSet } from "../rego.ts";
import { fail, objectOf, textOf } from "./builtin.ts";

export function patched(document: Rego, steps: readonly Rego[]): Rego {
  return steps.reduce((before, step) => applied(before, objectOf(step)), document);
}

function applied(document: Rego, step: RegoObject): Rego {
  const path = pathOf(step.get("path"));
  const value = () => there(step.get("value"));
  switch (textOf(step.get("op"))) {
    case "add":
      return inserted(document, path, value());
    case "remove":
      return removed(document, path);
    case "replace":
      return inserted(removed(document, path), path, value());
    case "move": {
      const from = pathOf(step.get("from"));
      return inserted(removed(document, from), path, valueAt(document, from));
    }
    case "copy":
      return inserted(document, path, valueAt(document, pathOf(step.get("from"))));
    case "test":
      return equalRego(valueAt(document, path), value()) ? document : fail("a test failed");
    default:
      return fail("no such operation");
  }
}

function pathOf(path: Rego | undefined): readonly Rego[] {
  if (isRegoArray(path)) return path;
  const text = textOf(path);
  if (text === "") return [];
  const steps = text.replace(/^\//, "").split("/");
  return steps.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueAt(document: Rego, path: readonly Rego[]): Rego {
  return path.reduce((inside, step) => there(member(inside, step)), document);
}

/** `null` is there, too. */
function there(value: Rego | undefined): Rego {
  return value === undefined ? fail("nothing is there") : value;
}

function member(value: Rego, step: Rego): Rego | undefined {
  if (value instanceof RegoObject) return value.get(step);
  if (value instanceof RegoSet) return value.has(step) ? step : undefined;
  return isRegoArray(value) ? value[indexOf(step, value.length - 1)] : undefined;
}

/** A number without leading zeros, at most `last`; `+1` and `1.0` are numbers to OPA. */
function indexOf(step: Rego, last: number): number {
  const index =
    typeof step === "string" && /^(?:0|\+[0-9]{1,9}|[1-9][0-9]{0,8}(?:\.0{1,9})?)$/.test(step)
      ? Number(step)
      : step;
  if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index > last) {
    return fail("no such index");
  }
  return index;
}

/** With what `change` makes of the value that all but the last step lead to. */
function within(
  document: Rego,
  path: readonly Rego[],
  change: (parent: Rego, last: Rego) => Rego,
): Rego {
  const [step, ...rest] = path;
  if (step === undefined) return fail("a path is expected");
  if (rest.length === 0) return change(document, step);
  const inside = there(member(document, step));
  return withMember(document, step, within(inside, rest, change));
}

function withMember(parent: Rego, step: Rego, value: Rego): Rego {
  if (parent instanceof RegoObject) {
    return new RegoObject([...parent.members.values(), [step, value]]);
  }
  if (parent instanceof RegoSet) {
    const others = [...parent.elements.values()].filter((one) => !equalRego(one, step));
    return new RegoSet([...others, value]);
  }
  if (!isRegoArray(parent)) return fail("nothing is there");
  return parent.with(indexOf(step, parent.length - 1), value);
}

function inserted(document: Rego, path: readonly Rego[], value: Rego): Rego {
  if (path.length === 0) return value;
  return within(document, path, (parent, last) => {
    if (parent instanceof RegoObject) return withMember(parent, last, value);
    if (parent instanceof RegoSet) {
      return equalRego(last, value)
        ? new RegoSet([...parent.elements.values(), value])
        : fail("an element of a set is its own path");
    }
    if (!isRegoArray(parent)) return fail("nothing can be added there");
    const index = last === "-" ? parent.length : indexOf(last, parent.length);
    return parent.toSpliced(index, 0, value);
  });
}

function removed(document: Rego, path: readonly Rego[]): Rego {
  // Replacing the whole is the only thing that removes it.
  if (path.length === 0) return document;
  return within(document, path, (parent, last) => {
    there(member(parent, last));
    if (parent instanceof RegoObject) {
      return new RegoObject([...parent.members.values()].filter(([key]) => !equalRego(key, last)));
    }
    if (parent instanceof RegoSet) {
      return new RegoSet([...parent.elements.values()].filter((one) => !equalRego(one, last)));
    }
    return isRegoArray(parent) ? parent.toSpliced(indexOf(last, parent.length - 1), 1) : parent;
  });
}

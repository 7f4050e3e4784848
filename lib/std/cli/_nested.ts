type Nested = Record<string, unknown>;

function isNested(value: unknown): value is Nested {
  return typeof value === "object" && value !== null || typeof value === "function";
}

/** A key that leads out of the object into what all objects share: writing there would change every one of them. */
function leadsOut(object: Nested, key: string): boolean {
  return key === "__proto__" || key === "constructor" && typeof object[key] === "function";
}

function own(object: Nested, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * Sets the value at a dotted path, making the objects on the way; does nothing where the path leads to a prototype.
 * With `collect` the value is added to a list.
 *
 * @throws {TypeError} where a value on the way is no object: `--a 1 --a.b 2`.
 */
export function setNested(root: Nested, path: string, value: unknown, collect = false): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let object = root;
  for (const key of keys) {
    if (leadsOut(object, key)) return;
    // Only what is its own: `--toString.x 1` must not write to the function that all objects share.
    const inner = own(object, key) ?? {};
    if (!isNested(inner)) throw new TypeError(`Cannot set "${path}": "${key}" is already set to "${inner}"`);
    object[key] = inner;
    object = inner;
  }
  if (leadsOut(object, last)) return;
  if (!collect) {
    object[last] = value;
    return;
  }
  const before = own(object, last);
  if (Array.isArray(before)) before.push(value);
  else object[last] = before ? [before, value] : [value];
}

/** Whether there is a value of its own at a dotted path. */
export function hasNested(root: Nested, path: string): boolean {
  let object: unknown = root;
  for (const key of path.split(".")) {
    if (!isNested(object) || !Object.hasOwn(object, key)) return false;
    object = object[key];
  }
  return true;
}

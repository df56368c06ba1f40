/**
 * Properties that are defined whatever somebody has added to `Object.prototype`: an ordinary descriptor would
 * inherit it, and one with a `get` and a `value` is refused.
 */

/** `Object.defineProperty`; without a value for it, `writable`, `enumerable` and `configurable` are false. */
export function define(object: object, key: PropertyKey, descriptor: PropertyDescriptor): void {
  Object.defineProperty(object, key, { __proto__: null, ...descriptor } as PropertyDescriptor)
}

/**
 * The form `TEMPLATE`: small plain values of a structure that was met before. The *template* is what they
 * have in common, which are their keys, what lies in what, and where texts and numbers are; only what differs
 * crosses, as one string.
 *
 * The string: four *codes*, the number of the template and the length of the codes, low byte first; the
 * codes, which are bytes; all texts, one after the other.
 */

/** A step of a path: a value under a key, or the end of an object or array. */
export const TEXT = 0
export const NUMBER = 1
export const FLAG = 2
export const OBJECT = 3
export const ARRAY = 4
export const END = 5
/** Arrays of any length that hold nothing but texts, or numbers. */
export const TEXTS = 6
export const NUMBERS = 7

/** Codes of a TEXT: its length; or, for more than these, WIDE and two bytes. */
export const MOST_SHORT = 252
export const WIDE = 253
/** For TEXT, NUMBER and FLAG. A FLAG is otherwise 0 or 1. */
export const NULL = 254
export const UNDEFINED = 255
/** Codes of a NUMBER: itself, a small integer; or one of these and so many bytes. */
export const MOST_SMALL = 249
export const TWO_BYTES = 250
export const FOUR_BYTES = 251
export const EIGHT_BYTES = 252

/** The codes before those of the value. */
export const HEAD = 4

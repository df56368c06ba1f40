/**
 * The forms `COMPACT` and `PLAIN`: plain objects and arrays of strings, numbers, booleans, `null`,
 * `undefined`, Dates and bigints of 64 bits. A value is taken apart into its *structure*, which is bytes, and
 * its *texts*, one after the other (those in lists apart from the others): so that the many strings of a
 * value cross as one, and what the objects of a list have in common crosses once, or never.
 *
 * The structure is written in the memory that is shared with the addon, in prefix order, behind a head; see
 * the codes. Lengths are varints of seven bits a byte, as are integers, in zigzag order. A text is its
 * length. An object is a *shape*, which is its keys in their order, in two bytes, and its values. A shape
 * that was met in several values has a number for the whole process, and each isolate that reads one makes
 * code of it (makers.ts). The others are in a *table* of the value: their keys as JSON, which is the last
 * text of all.
 *
 * `COMPACT` is one string: the structure with a byte a character, the texts, those of lists, the table. In
 * the form `PLAIN`, for what is larger, the addon hands the texts over in *pieces*: the engine makes of a
 * part of a string a view of it, so whoever keeps one text keeps the piece that it was a part of, and no
 * more. A text lies in one piece.
 */

/**
 * The bytes of the head, low byte first: where the texts of a compact value begin, and those of lists, two
 * bytes each; the length of the table, three bytes.
 */
export const HEAD = 7
/** A compact value has no more characters. */
export const MOST_COMPACT = 3_072

export const NULL = 0
export const UNDEFINED = 1
export const FALSE = 2
export const TRUE = 3
export const INTEGER = 4
/** Eight bytes follow, of the number itself, or of what a Date or a bigint is made of. */
export const FRACTION = 5
export const DATE = 6
export const BIGINT = 7
export const TEXT = 8
export const ARRAY = 9
/** Arrays of one kind of value; fractions cross beside the structure. */
export const TEXTS = 10
export const INTEGERS = 11
export const FRACTIONS = 12
/** An object of a shape that has a number, or of one in the table. */
export const KNOWN_SHAPE = 13
export const OWN_SHAPE = 14
/** From here on a code is an integer, from 0, and then a text, by its length. */
export const FIRST_INTEGER = 16
export const FIRST_LENGTH = 128

/** A number, or a bigint of 64 bits, and its bytes. */
export const double: Float64Array = new Float64Array(1)
export const long: BigInt64Array = new BigInt64Array(double.buffer)
export const bytes: Uint8Array = new Uint8Array(double.buffer)

/** A piece has no more characters, unless it is a single text. */
export const PIECE = 1_024

/**
 * The form `PLAIN`: plain objects and arrays of strings, numbers, booleans, `null` and `undefined`, in three
 * parts. Their *structure* is bytes, their *texts* are two strings (one of those in lists), one text after
 * the other, their *fractions* are doubles: so that the many strings of a value cross as one, and what the
 * objects of a list have in common crosses once. It takes half as long as the engine's serializer, or JSON,
 * for a value of some kilobytes.
 *
 * The structure is written in the memory that is shared with the addon, in prefix order; see the codes.
 * Lengths and integers are varints of seven bits a byte, integers in zigzag order. A text is its length; an
 * object of a new shape, the number of its keys, the lengths of these, and its values; one of a known shape,
 * the number of the shape and its values.
 *
 * The texts reach the receiver in *pieces*: the engine makes of a part of a string a view of it, so whoever
 * keeps one text keeps the piece that it was a part of, and no more. A text lies in one piece.
 */
export const NULL = 0
export const UNDEFINED = 1
export const FALSE = 2
export const TRUE = 3
export const INTEGER = 4
export const FRACTION = 5
export const TEXT = 6
export const ARRAY = 7
/** Arrays of one kind of value. */
export const TEXTS = 8
export const INTEGERS = 9
export const FRACTIONS = 10
export const NEW_SHAPE = 11
export const KNOWN_SHAPE = 12

/** A piece has no more characters, unless it is a single text. */
export const PIECE = 1_024

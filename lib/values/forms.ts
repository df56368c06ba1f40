/**
 * The forms in which a value crosses, as both languages number them (value.rs, native_chunk.rs,
 * native_tasks.rs, run.rs). A packed value is a form and a primitive or bytes, which the addon copies;
 * codec.ts packs and unpacks.
 *
 * - `AS_IS`: primitives, and array buffers and whole views of them;
 * - `TEMPLATE`: small plain objects and arrays of a structure that was met before (template/codes.ts);
 * - `JSON_TEXT`: other small ones, which JSON gives back unchanged;
 * - `PLAIN`: larger plain objects and arrays, as bytes, texts and doubles (plain/codes.ts). Like `WRITTEN`,
 *   it is a number on the one side; on the other, the parts;
 * - `CLONED`: the bytes of `v8.Serializer`, for what it carries as `structuredClone` does (v8/safe.ts). Where
 *   that is not sure, the copy that `structuredClone` makes is written instead of the value;
 * - `MOVED`: the bytes of `v8.Serializer` and the buffers that move or are shared;
 * - `WRITTEN`: the same bytes, which the addon has V8 write and read where it can. TypeScript sees their
 *   number on the one side and, as `READ`, the value on the other;
 * - `WHOLE`: bytes that are all of an ArrayBuffer, which moves;
 * - `PORT`: a port value, which only a MessagePort can carry. It crosses beside the addon (ports/), which is
 *   given a number for it.
 */
export const AS_IS = 0
export const JSON_TEXT = 1
export const CLONED = 2
export const PORT = 3
export const MOVED = 4
export const WRITTEN = 5
export const READ = 6
export const WHOLE = 7
/** For the addon, something that it has written. */
export const PLAIN: number = WRITTEN + 8
/** For the addon, a text like JSON. */
export const TEMPLATE: number = JSON_TEXT + 8

/** Added to the form: the result of a chunk of `map`. */
export const CHUNK = 16
/** Added to the form: the value describes an error, or is a list of such descriptions. */
export const DESCRIPTION = 32
/** Added to the form: the results of a chunk whose task is native. */
export const NATIVE_CHUNK = 48
/** The form of such results, if they are one array of numbers. */
export const NATIVE_NUMBERS = 1

/**
 * What a task left in `scratch[0]` beside the value that it returned: the form of that, with THREW if it was
 * thrown; or AWAITING for a promise.
 */
export const THREW = 64
export const AWAITING = 255

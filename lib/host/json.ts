/**
 * JSON, taken once, when the package is loaded: programs replace `JSON.parse` by one that makes dates of
 * texts, and their like, which must not see what only crosses between threads.
 */

const { parse, stringify } = JSON

export const parseJson: (text: string) => unknown = parse

export const toJson: (value: unknown) => string = stringify

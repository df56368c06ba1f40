/**
 * The delays that tests use, in milliseconds. None is tight: a machine that is busy with other work passes
 * too.
 */

/** What should happen soon has happened by then; a wait for it fails rather than hangs. */
export const SOON: number = 20_000

/** A child process that lives longer is killed, and its test fails. */
export const HARD: number = 45_000

/** A time limit that is meant to expire. */
export const SHORT: number = 60

/** Long enough that something which must not happen would have happened. */
export const WHILE: number = 250

/** What is stopped or answered "at once" takes less, also on noisy cores. */
export const PROMPT: number = 5_000

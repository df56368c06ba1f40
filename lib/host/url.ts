/**
 * URLs of Node's own class, which is not the global one where a test environment has put a browser's there
 * (jsdom, happy-dom).
 */
import { URL } from 'node:url'

export { URL }

/** The text of a URL of any class; undefined for what is none. */
export function hrefOf(value: unknown): string | undefined {
  if (value instanceof URL) return value.href
  if (typeof value !== 'object' || value === null) return undefined
  const { href, protocol } = value as { href?: unknown; protocol?: unknown }
  const isUrl = typeof href === 'string' && typeof protocol === 'string' && href.startsWith(protocol)
  return isUrl ? href : undefined
}

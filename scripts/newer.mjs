// Comparing versions that are numbers with dots between them.

const numbers = (version) => version.split('.').map(Number)

/** Whether version `a` is newer than `b`. */
export function isNewer(a, b) {
  const [left, right] = [numbers(a), numbers(b)]
  const at = left.findIndex((part, index) => part !== (right[index] ?? 0))
  return at !== -1 && left[at] > (right[at] ?? 0)
}

// A module that knows nothing of the package.
export const double = (n) => 2 * n
export const later = async (n) => 2 * n
export const fail = () => {
  throw new RangeError('as it should', { cause: 7 })
}
export const first = (bytes) => bytes[0]
export const increment = (numbers) => Atomics.add(numbers, 0, 1)
export const typeOf = (value) => Object.prototype.toString.call(value)
export const same = (value) => value
export const spin = () => {
  while (true) {}
}
export const never = () => new Promise(() => {})
export const leave = () => process.exit(3)
export const crash = () => process.kill(process.pid, 'SIGKILL')

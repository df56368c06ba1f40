// How long the event loop stood still: a timer that wants to run every few milliseconds, and the longest time
// that it was late.
const EVERY = 5

/** Starts watching; the function returned stops and gives the longest stall in milliseconds. */
export function watchStalls() {
  let last = performance.now()
  let longest = 0
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last - EVERY)
    last = now
  }
  const timer = setInterval(look, EVERY)
  return () => {
    clearInterval(timer)
    look()
    return longest
  }
}

/** @returns {string} such as '2.5 ms', '310 ms' or '12.1 s' */
export function ms(time) {
  if (time < 10) return `${time.toFixed(1)} ms`
  return time < 10_000 ? `${Math.round(time).toLocaleString('en')} ms` : `${(time / 1000).toFixed(1)} s`
}

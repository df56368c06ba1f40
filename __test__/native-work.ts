/** A native task of some seconds, which can be stopped on the way: `executor.submit(native.matmul, ...longProduct())`. */
export function longProduct(): [a: Float64Array, b: Float64Array, shape: { m: number; k: number; n: number }] {
  const side = 3_200
  return [new Float64Array(side * side), new Float64Array(side * side), { m: side, k: side, n: side }]
}

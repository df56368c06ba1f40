//! The product of two matrices of f64, in tiles small enough that a cancelled one stops soon.
#![allow(unsafe_code)] // matrixmultiply takes pointers and strides; see the one call below

use crate::output::zeros;
use crate::{Control, KernelError};

/// One tile is at most 2 * 128 * 256 * 1024 floating-point operations, 1 to 3 ms. Larger tiles are hardly
/// faster; smaller ones spend more time on repacking their part of `b`.
const TILE_M: usize = 128;
const TILE_K: usize = 256;
const TILE_N: usize = 1024;

/// `a` has `m` rows of `k` numbers, `b` has `k` rows of `n`; the result has `m` rows of `n`. All row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub m: usize,
    pub k: usize,
    pub n: usize,
}

/// `a` times `b`.
///
/// # Errors
/// `Range` when a length does not fit the shape, `OutOfMemory`, `Stopped`.
pub fn matmul(a: &[f64], b: &[f64], shape: Shape, control: &dyn Control) -> Result<Vec<f64>, KernelError> {
    let Shape { m, k, n } = shape;
    control.check()?;
    check_length("a", a.len(), ("m", m), ("k", k))?;
    check_length("b", b.len(), ("k", k), ("n", n))?;
    // With k = 0 both arguments are empty, whatever m and n say: only here can m * n be absurd.
    let length = m.checked_mul(n).ok_or_else(|| {
        KernelError::Range(format!("a result of {m} x {n} numbers does not fit into memory"))
    })?;
    let mut product = zeros(length, control)?;
    if length == 0 || k == 0 {
        return Ok(product);
    }
    for column in (0..n).step_by(TILE_N) {
        for depth in (0..k).step_by(TILE_K) {
            for row in (0..m).step_by(TILE_M) {
                control.check()?;
                add_tile(a, b, &mut product, shape, Tile { row, depth, column });
            }
        }
    }
    Ok(product)
}

fn check_length(
    name: &str,
    length: usize,
    rows: (&str, usize),
    columns: (&str, usize),
) -> Result<(), KernelError> {
    if rows.1.checked_mul(columns.1) == Some(length) {
        return Ok(());
    }
    Err(KernelError::Range(format!(
        "{name} has {length} numbers, which is not {} x {} = {} x {}",
        rows.0, columns.0, rows.1, columns.1
    )))
}

/// Where a tile starts; it ends after its constant size or where the matrices end.
#[derive(Clone, Copy)]
struct Tile {
    row: usize,
    depth: usize,
    column: usize,
}

/// Adds the product of one tile of `a` and one of `b` to its tile of `product`.
fn add_tile(a: &[f64], b: &[f64], product: &mut [f64], shape: Shape, tile: Tile) {
    let Shape { m, k, n } = shape;
    let Tile { row, depth, column } = tile;
    let (rows, depths, columns) = ((m - row).min(TILE_M), (k - depth).min(TILE_K), (n - column).min(TILE_N));
    // Slicing from the first to one past the last element of each tile: these are the bounds checks that the
    // call below relies on. A tile is never empty, so the subtractions hold.
    let a = &a[row * k + depth..(row + rows - 1) * k + depth + depths];
    let b = &b[depth * n + column..(depth + depths - 1) * n + column + columns];
    let product = &mut product[row * n + column..(row + rows - 1) * n + column + columns];
    // At most isize::MAX: the slices have that many elements.
    let (a_stride, b_stride) = (k as isize, n as isize);
    // SAFETY: with row stride `k` and column stride 1, the call reads `rows` x `depths` elements of `a`, the
    // last of them at index (rows - 1) * k + depths - 1, which is the last one of the slice cut above; the
    // same holds for `b` and `product` with row stride `n`. `product` is borrowed mutably, so it overlaps
    // neither, and as its rows are `n >= columns` apart no two of its elements coincide.
    unsafe {
        matrixmultiply::dgemm(
            rows,
            depths,
            columns,
            1.0,
            a.as_ptr(),
            a_stride,
            1,
            b.as_ptr(),
            b_stride,
            1,
            1.0,
            product.as_mut_ptr(),
            b_stride,
            1,
        );
    }
}

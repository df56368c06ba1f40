//! sort, select, statistics and matmul against straightforward definitions.

mod common;

use common::Random;
use kernels::matmul::{Shape, matmul};
use kernels::select::select;
use kernels::sort::sort;
use kernels::statistics::statistics;
use kernels::{KernelError, Unstoppable};

/// The order that is wanted, said in another way: `total_cmp` with one NaN, above all.
fn sorted(values: &[f64]) -> Vec<f64> {
    let mut expected: Vec<f64> =
        values.iter().map(|value| if value.is_nan() { f64::NAN.abs() } else { *value }).collect();
    expected.sort_by(f64::total_cmp);
    expected
}

fn same(a: &[f64], b: &[f64]) -> bool {
    let equal = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    a.len() == b.len() && a.iter().zip(b).all(equal)
}

fn arrays() -> Vec<Vec<f64>> {
    let mut random = Random(5);
    let mut arrays = vec![vec![], vec![f64::NAN], vec![0.0, -0.0, f64::NAN, -1.0, 1.0]];
    for length in [2, 100, 4096, 4097, 16_385, 200_000] {
        let unit: Vec<f64> = (0..length).map(|_| random.unit()).collect();
        arrays.push(unit.iter().map(|value| (value * 100.0).floor()).collect());
        arrays.push(sorted(&unit));
        arrays.push(sorted(&unit).into_iter().rev().collect());
        arrays.push((0..length).map(|_| f64::from_bits(random.next())).collect()); // all exponents, NaNs
        arrays.push((0..length).map(|i| [0.0, -0.0, f64::NAN, f64::INFINITY][i % 4]).collect());
        arrays.push(vec![3.5; length]);
        arrays.push(unit);
    }
    arrays
}

#[test]
fn sort_has_the_order_of_typed_array_sort() {
    for values in arrays() {
        let mut actual = values.clone();
        sort(&mut actual, &Unstoppable).unwrap();
        assert!(same(&actual, &sorted(&values)), "{} values", values.len());
    }
}

#[test]
fn select_gives_what_sort_would_put_there() {
    for values in arrays() {
        let expected = sorted(&values);
        let length = values.len();
        for k in [0, 1, length / 4, length / 2, length.wrapping_sub(1)] {
            if k < length {
                let actual = select(&values, k, &Unstoppable).unwrap();
                assert!(same(&[actual], &expected[k..=k]), "{k} of {length}");
            }
        }
        assert!(matches!(select(&values, length, &Unstoppable), Err(KernelError::Range(_))));
    }
}

#[test]
fn statistics_of_nothing_and_of_one() {
    let nothing = statistics::<f64>(&[], &Unstoppable).unwrap();
    assert_eq!((nothing.count, nothing.sum), (0, 0.0));
    assert!([nothing.min, nothing.max, nothing.mean, nothing.variance].iter().all(|x| x.is_nan()));
    let one = statistics(&[-7_i8], &Unstoppable).unwrap();
    assert_eq!((one.count, one.sum, one.min, one.max), (1, -7.0, -7.0, -7.0));
    assert_eq!((one.mean, one.variance), (-7.0, 0.0));
}

#[test]
fn statistics_of_integers_are_exact() {
    let values: Vec<u32> = (0..100_001).map(|i| 4_000_000_000 + i).collect();
    let result = statistics(&values, &Unstoppable).unwrap();
    assert_eq!((result.min, result.max), (4_000_000_000.0, 4_000_100_000.0));
    assert_eq!((result.mean, result.sum), (4_000_050_000.0, 4_000_050_000.0 * 100_001.0));
    let variance = (100_001.0_f64 * 100_001.0 - 1.0) / 12.0;
    assert!((result.variance / variance - 1.0).abs() < 1e-12);
    assert_eq!(statistics(&[1_u8, 255], &Unstoppable).unwrap().mean, 128.0);
    assert_eq!(statistics(&[i16::MIN, i16::MAX], &Unstoppable).unwrap().mean, -0.5);
}

#[test]
fn variance_survives_a_large_mean() {
    // The textbook formula gives 0 or a negative number here.
    let values: Vec<f64> = (0..30_000).map(|i| 1e9 + f64::from(i % 3)).collect();
    let result = statistics(&values, &Unstoppable).unwrap();
    assert!((result.variance - 2.0 / 3.0).abs() < 1e-9, "{}", result.variance);
    // Compensated: adding up from left to right loses all of the ones between chunks.
    let mut values = vec![1.0; 4096 * 3];
    values[..4096].fill(0.0);
    values[0] = 1e20;
    values[4096 * 2..].fill(0.0);
    values[4096 * 2] = -1e20;
    assert_eq!(statistics(&values, &Unstoppable).unwrap().sum, 4096.0);
}

/// The sum as if with unlimited digits, rounded to about one unit (Shewchuk's partial sums).
fn exact_sum(values: &[f64]) -> f64 {
    let mut partials: Vec<f64> = Vec::new();
    for value in values {
        let mut carry = *value;
        let mut kept = Vec::new();
        for other in &partials {
            let (large, small) = if carry.abs() >= other.abs() { (carry, *other) } else { (*other, carry) };
            let sum = large + small;
            let lost = small - (sum - large);
            if lost != 0.0 {
                kept.push(lost);
            }
            carry = sum;
        }
        kept.push(carry);
        partials = kept;
    }
    partials.iter().sum()
}

#[test]
fn sums_are_compensated_within_a_chunk_too() {
    let sum = |values: &[f64]| statistics(values, &Unstoppable).unwrap().sum;
    assert_eq!(sum(&[1e16, 1.0, 1.0, -1e16]), 2.0);
    assert_eq!(sum(&[0.1; 10_000]), 1000.0);
    assert_eq!(statistics(&[0.1_f32; 10_000], &Unstoppable).unwrap().sum, f64::from(0.1_f32) * 10_000.0);
    assert_eq!(sum(&[f64::from_bits(1); 5000]), f64::from_bits(5000));
    // Where no number is larger than the sum can become.
    assert_eq!(sum(&[1e308, 1.0, -1e308, 2.0]), 3.0);
    assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
    let mut random = Random(11);
    for round in 0..60 {
        let length = 1 + (random.next() % 20_000) as usize;
        let spread = round;
        let mut values: Vec<f64> = (0..length)
            .map(|_| (random.unit() - 0.4) * 2.0_f64.powi((random.next() % (spread + 1)) as i32))
            .collect();
        if round % 2 == 0 {
            // Most of it cancels out.
            let total: f64 = values.iter().sum();
            values.push(-total);
        }
        let (expected, largest) = (exact_sum(&values), values.iter().fold(0.0, |a, b| b.abs().max(a)));
        let error = (sum(&values) - expected).abs();
        let bound = expected.abs() * 2.0_f64.powi(-52) + largest * 2.0_f64.powi(-70);
        assert!(error <= bound, "{length} values up to {largest:e}: {expected:e} is off by {error:e}");
    }
}

#[test]
fn variance_keeps_its_digits_whatever_the_mean_is() {
    let variance = |values: &[f64]| statistics(values, &Unstoppable).unwrap().variance;
    let steps =
        |length: i32, base: f64| -> Vec<f64> { (0..length).map(|i| base + f64::from(i % 4) / 2.0).collect() };
    assert_eq!(variance(&steps(4096, 1e15)), 0.3125);
    let mut random = Random(17);
    for length in [1, 3, 904, 4095, 4097, 10_000, 300_001] {
        let expected = variance(&steps(length, 0.0));
        for base in [1e9, -1e15, 2e15, 3.3e14] {
            let found = variance(&steps(length, base));
            assert!((found - expected).abs() <= expected * 1e-13, "{length} at {base:e}: {found} {expected}");
        }
        for value in [0.1, 1e15 + 0.25, 1e200, -7e-300, random.unit()] {
            assert_eq!(variance(&vec![value; length as usize]), 0.0, "{length} times {value:e}");
        }
    }
    // Each chunk has a mean of its own.
    let slope = |base: f64| -> Vec<f64> { (0..100_000).map(|i| base + f64::from(i / 1000)).collect() };
    let (expected, found) = (variance(&slope(0.0)), variance(&slope(4e15)));
    assert!((expected - 833.25).abs() < 1e-10 && (found - expected).abs() < 1e-9, "{found} {expected}");
}

#[test]
fn statistics_of_huge_numbers_have_a_variance() {
    for length in [1, 5000, 300_000] {
        assert_eq!(statistics(&vec![2.0_f64.powi(600); length], &Unstoppable).unwrap().variance, 0.0);
    }
}

#[test]
fn statistics_know_nan_infinities_and_both_zeros() {
    let result = statistics(&[1.0, f64::NAN, 3.0], &Unstoppable).unwrap();
    assert!([result.sum, result.min, result.max, result.mean].iter().all(|x| x.is_nan()));
    let result = statistics(&[f64::NEG_INFINITY, 1.0, f64::INFINITY], &Unstoppable).unwrap();
    assert_eq!((result.min, result.max), (f64::NEG_INFINITY, f64::INFINITY));
    assert!(result.sum.is_nan());
    let result = statistics(&[f64::INFINITY; 9000], &Unstoppable).unwrap();
    assert_eq!((result.sum, result.mean), (f64::INFINITY, f64::INFINITY));
    for values in [[0.0_f32, -0.0], [-0.0, 0.0]] {
        let result = statistics(&values, &Unstoppable).unwrap();
        assert!(result.min.is_sign_negative() && result.max.is_sign_positive());
    }
}

#[test]
fn matmul_is_the_triple_loop() {
    let mut random = Random(9);
    for (m, k, n) in [(1, 1, 1), (2, 3, 4), (129, 257, 65), (5, 600, 1030), (0, 3, 2), (2, 0, 3), (3, 2, 0)] {
        let a: Vec<f64> = (0..m * k).map(|_| (random.next() % 100) as f64).collect();
        let b: Vec<f64> = (0..k * n).map(|_| (random.next() % 100) as f64).collect();
        let mut expected = vec![0.0; m * n];
        for row in 0..m {
            for column in 0..n {
                expected[row * n + column] = (0..k).map(|i| a[row * k + i] * b[i * n + column]).sum();
            }
        }
        // Small integers: every order of additions gives the same sum.
        assert_eq!(matmul(&a, &b, Shape { m, k, n }, &Unstoppable), Ok(expected));
    }
}

#[test]
fn matmul_refuses_wrong_and_absurd_shapes() {
    let range = |a: &[f64], b: &[f64], m, k, n| {
        matches!(matmul(a, b, Shape { m, k, n }, &Unstoppable), Err(KernelError::Range(_)))
    };
    assert!(range(&[1.0; 5], &[1.0; 6], 2, 3, 2));
    assert!(range(&[1.0; 6], &[1.0; 5], 2, 3, 2));
    assert!(range(&[], &[], usize::MAX, 2, usize::MAX)); // m * k wraps around
    assert!(range(&[], &[], usize::MAX, 0, 2));
    let huge = Shape { m: 1 << 40, k: 0, n: 1 << 20 };
    assert_eq!(matmul(&[], &[], huge, &Unstoppable), Err(KernelError::OutOfMemory));
}

//! `matrix_product`: the product of two n × n matrices of 64-bit floats, a load on arithmetic and cache.
//!
//! The elements are small whole numbers by a fixed rule: a(i, j) = (3 i + 5 j) mod 11 − 5 and b(i, j) = (7 i + 2 j) mod
//! 13 − 6. So every sum is exact in a float, in whatever order it is taken. The value is the sum of each element of the
//! product, weighted with (i + 2 j) mod 17 + 1; rows and columns count from 0.

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "matrix_product",
    about: "The product of two n × n matrices of floats with a fixed content; the value is a weighted sum.",
    argument: ArgumentInfo {
        meaning: "size of the matrices",
        unit: "rows and columns",
        kind: ArgumentKind::Whole { min: 1, max: 2048 },
    },
    parameters: &[],
    example: "200",
    example_value: "-2296",
    needs_server: false,
    call,
};

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let size = INFO.argument.count(argument)? as usize;
    let left = filled(size, |row, column| ((3 * row + 5 * column) % 11) as f64 - 5.0);
    let right = filled(size, |row, column| ((7 * row + 2 * column) % 13) as f64 - 6.0);
    let mut sum = 0.0;
    let mut product = vec![0.0; size];
    for (row, factors) in left.chunks_exact(size).enumerate() {
        product.fill(0.0);
        // Row by row of the right matrix, so that memory is read in order.
        for (factor, right_row) in factors.iter().zip(right.chunks_exact(size)) {
            for (element, right_element) in product.iter_mut().zip(right_row) {
                *element += factor * right_element;
            }
        }
        for (column, element) in product.iter().enumerate() {
            sum += element * ((row + 2 * column) % 17 + 1) as f64;
        }
    }
    Ok(CallValue::Int(sum as i64))
}

fn filled(size: usize, element: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let element = &element;
    (0..size).flat_map(|row| (0..size).map(move |column| element(row, column))).collect()
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::tests::{call, error};

    #[test]
    fn agrees_with_whole_number_arithmetic() {
        for (size, sum) in [("1", 30), ("2", 188), ("3", 24)] {
            assert_eq!(call(&INFO, size), CallValue::Int(sum));
        }
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["0", "2049", "2x2"] {
            let expected = "expected a whole number from 1 to 2048 (rows and columns)";
            assert_eq!(error(&INFO, argument), format!("the size of the matrices is {argument:?}, {expected}"));
        }
    }
}

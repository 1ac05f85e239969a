//! Weighted least squares for laws that are linear in a few coefficients.

/// One measurement: `value` = Σ coefficient × factor, up to an error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line<const N: usize> {
    /// The factor of each coefficient.
    pub factors: [f64; N],
    /// The measured value.
    pub value: f64,
    /// Its weight, ≥ 0.
    pub weight: f64,
}

/// The coefficients with the smallest weighted sum of squares, and the inverse of the normal matrix, which is their
/// covariance if each weight is one over the square of its value's error. `None` if the lines do not determine them.
pub fn fit<const N: usize>(lines: &[Line<N>]) -> Option<([f64; N], [[f64; N]; N])> {
    let mut normal = [[0.0; N]; N];
    let mut right = [0.0; N];
    for line in lines {
        for row in 0..N {
            let weighted = line.weight * line.factors[row];
            right[row] += weighted * line.value;
            for (cell, factor) in normal[row].iter_mut().zip(line.factors) {
                *cell += weighted * factor;
            }
        }
    }
    let inverse = invert(normal)?;
    let mut coefficients = [0.0; N];
    for (coefficient, row) in coefficients.iter_mut().zip(&inverse) {
        *coefficient = row.iter().zip(&right).map(|(inverse, right)| inverse * right).sum();
    }
    Some((coefficients, inverse))
}

/// The inverse, by elimination with the largest pivot first; `None` for a matrix that has none.
fn invert<const N: usize>(mut matrix: [[f64; N]; N]) -> Option<[[f64; N]; N]> {
    // Columns are scaled to the same size, so that one limit tells zero pivots.
    let mut scale = [0.0; N];
    for place in 0..N {
        scale[place] = matrix[place][place].sqrt();
        if !(scale[place] > 0.0 && scale[place].is_finite()) {
            return None;
        }
    }
    for (row, line) in matrix.iter_mut().enumerate() {
        for (column, cell) in line.iter_mut().enumerate() {
            *cell /= scale[row] * scale[column];
        }
    }
    let mut inverse = [[0.0; N]; N];
    for (place, row) in inverse.iter_mut().enumerate() {
        row[place] = 1.0;
    }
    for column in 0..N {
        let pivot = (column..N).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < 1e-13 {
            return None;
        }
        matrix.swap(column, pivot);
        inverse.swap(column, pivot);
        let divisor = matrix[column][column];
        for place in 0..N {
            matrix[column][place] /= divisor;
            inverse[column][place] /= divisor;
        }
        for row in (0..N).filter(|row| *row != column) {
            let factor = matrix[row][column];
            for place in 0..N {
                matrix[row][place] -= factor * matrix[column][place];
                inverse[row][place] -= factor * inverse[column][place];
            }
        }
    }
    for (row, line) in inverse.iter_mut().enumerate() {
        for (column, cell) in line.iter_mut().enumerate() {
            *cell /= scale[row] * scale[column];
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_come_back_and_what_is_not_determined_is_not_claimed() {
        let line = |x: f64| Line { factors: [1.0, x, x * x], value: 3.0 - 2.0 * x + 0.5 * x * x, weight: 1.0 + x };
        let lines: Vec<_> = [0.0, 1.0, 2.0, 5.0, 50.0].map(line).into();
        let (coefficients, _) = fit(&lines).expect("it is determined");
        for (found, wanted) in coefficients.iter().zip([3.0, -2.0, 0.5]) {
            assert!((found - wanted).abs() < 1e-6, "{coefficients:?}");
        }
        assert_eq!(fit(&lines[..2]), None);
        assert_eq!(fit::<2>(&[]), None);
    }
}

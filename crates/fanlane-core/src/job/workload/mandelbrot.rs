//! `mandelbrot`: one tile of a picture of the Mandelbrot set. Tiles differ widely in cost, so a batch of them shows how
//! evenly a pool shares out its work.
//!
//! The method is the plain escape time, without the known short cuts for the set's inside: the work is the point here.

use super::{ArgumentInfo, ArgumentKind, CallContext, ParameterInfo, Parameters, WorkloadInfo};
use crate::job::CallValue;

const MAX_TILES: u64 = 64;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "mandelbrot",
    about: "One tile of a picture of the Mandelbrot set; the value is the sum of its points' iteration counts.",
    argument: ArgumentInfo {
        meaning: "tile",
        unit: "counted row by row, below tiles × tiles",
        kind: ArgumentKind::Whole { min: 0, max: (MAX_TILES * MAX_TILES - 1).cast_signed() },
    },
    parameters: &[
        ParameterInfo {
            name: "tiles",
            about: "Into how many tiles each side of the picture is divided.",
            min: 1,
            max: MAX_TILES,
            default: 8,
        },
        ParameterInfo {
            name: "size",
            about: "Length of a side of the picture, in pixels.",
            // Every tile has a pixel at least.
            min: MAX_TILES,
            max: 65_536,
            default: 512,
        },
        ParameterInfo {
            name: "iterations",
            about: "Maximum iterations of a point; a point that reaches them belongs to the set.",
            min: 1,
            max: 1_000_000,
            default: 1000,
        },
    ],
    example: "27",
    example_value: "2425930",
    needs_server: false,
    call,
};

/// The picture's side on the complex plane, and its corner with the smallest real and imaginary parts.
const SIDE: f64 = 3.0;
const CORNER: (f64, f64) = (-2.25, -1.5);

fn call(argument: &[u8], parameters: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let &Parameters { tiles, size, iterations, .. } = parameters;
    let tile = INFO.argument.count(argument)?;
    if tile >= tiles * tiles {
        let last = tiles * tiles - 1;
        return Err(format!("the tile is {tile}, expected 0 to {last}: the picture has {tiles} × {tiles} tiles"));
    }
    let (column, row) = (tile % tiles, tile / tiles);
    let pixels = |place: u64| place * size / tiles..(place + 1) * size / tiles;
    // The middle of a pixel.
    let coordinate = |corner: f64, pixel: u64| corner + SIDE * (pixel as f64 + 0.5) / size as f64;
    let mut sum = 0;
    for y in pixels(row) {
        let imaginary = coordinate(CORNER.1, y);
        for x in pixels(column) {
            sum += escape_time(coordinate(CORNER.0, x), imaginary, iterations);
        }
    }
    Ok(CallValue::Int(sum.cast_signed()))
}

/// How many times z² + c is taken, from 0, until it leaves the circle of radius 2, at most `iterations` times.
fn escape_time(c_re: f64, c_im: f64, iterations: u64) -> u64 {
    let (mut re, mut im) = (0.0, 0.0);
    for count in 0..iterations {
        let (re_squared, im_squared) = (re * re, im * im);
        if re_squared + im_squared > 4.0 {
            return count;
        }
        im = 2.0 * re * im + c_im;
        re = re_squared - im_squared + c_re;
    }
    iterations
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::WorkloadSpec;
    use crate::job::workload::tests::{call, call_with, error};

    fn small(tiles: u64) -> WorkloadSpec {
        let (size, iterations) = (Some(64), Some(50));
        WorkloadSpec { tiles: Some(tiles), size, iterations, ..WorkloadSpec::named("mandelbrot") }
    }

    #[test]
    fn tiles_agree_with_python_and_add_up_to_the_picture() {
        assert_eq!(call(&INFO, "0"), CallValue::Int(4096));
        let expected = [742, 2310, 4166, 2110, 16557, 15423, 792, 2749, 4863];
        for (tile, sum) in expected.iter().enumerate() {
            assert_eq!(call_with(&small(3), &tile.to_string()), Ok(CallValue::Int(*sum)));
        }
        assert_eq!(call_with(&small(1), "0"), Ok(CallValue::Int(expected.iter().sum())));
    }

    #[test]
    fn refuses_a_tile_that_is_not_there() {
        let error_text = call_with(&small(3), "9").expect_err("there are 9 tiles, from 0");
        assert_eq!(error_text, "the tile is 9, expected 0 to 8: the picture has 3 × 3 tiles");
        let kind = "expected a whole number from 0 to 4095 (counted row by row, below tiles × tiles)";
        assert_eq!(error(&INFO, "first"), format!("the tile is \"first\", {kind}"));
    }
}

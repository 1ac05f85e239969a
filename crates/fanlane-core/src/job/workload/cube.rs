//! `cube`: the smallest call there is, to see what calling costs.

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

/// The largest whole number whose cube fits 128 bits with a sign: the third root of 2¹²⁷.
const LARGEST: i64 = 5_541_191_377_756;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "cube",
    about: "The cube of a whole number: next to no work, which shows what a call costs.",
    argument: ArgumentInfo { meaning: "number", unit: "", kind: ArgumentKind::Whole { min: -LARGEST, max: LARGEST } },
    parameters: &[],
    example: "3",
    example_value: "27",
    needs_server: false,
    call,
};

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let number = i128::from(INFO.argument.whole(argument)?);
    let cube = number * number * number;
    Ok(i64::try_from(cube).map_or_else(|_| CallValue::Text(cube.to_string().into()), CallValue::Int))
}

#[cfg(test)]
mod tests {
    use super::{INFO, LARGEST};
    use crate::job::CallValue;
    use crate::job::workload::tests::{call, error};

    #[test]
    fn is_exact_to_the_end_of_its_range() {
        assert_eq!(call(&INFO, "-4"), CallValue::Int(-64));
        assert_eq!(call(&INFO, " 0 "), CallValue::Int(0));
        assert_eq!(call(&INFO, "2097151"), CallValue::Int(9_223_358_842_721_533_951));
        assert_eq!(call(&INFO, "-2097152"), CallValue::Int(i64::MIN));
        assert_eq!(call(&INFO, "2097152"), CallValue::Text("9223372036854775808".into()));
        let largest = "170141183460410681210363276798539297216";
        assert_eq!(call(&INFO, &LARGEST.to_string()), CallValue::Text(largest.into()));
        assert_eq!(call(&INFO, &(-LARGEST).to_string()), CallValue::Text(format!("-{largest}").into()));
    }

    #[test]
    fn refuses_what_is_no_number_or_too_large() {
        let expected = "expected a whole number from -5541191377756 to 5541191377756";
        for (argument, shown) in [
            ("", "empty"),
            ("x", "\"x\""),
            ("2.5", "\"2.5\""),
            ("1 2", "\"1 2\""),
            ("5541191377757", "\"5541191377757\""),
            ("99999999999999999999999", "\"99999999999999999999999\""),
        ] {
            assert_eq!(error(&INFO, argument), format!("the number is {shown}, {expected}"));
        }
    }
}

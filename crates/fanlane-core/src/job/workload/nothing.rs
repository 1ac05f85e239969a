//! `nothing`: the empty function, the first load of PEP 371. Its cost is the cost of a call.

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "nothing",
    about: "Does nothing; the value is 0. What it takes is what a call takes.",
    argument: ArgumentInfo {
        meaning: "number of the call",
        unit: "",
        kind: ArgumentKind::Whole { min: 0, max: i64::MAX },
    },
    parameters: &[],
    example: "1",
    example_value: "0",
    needs_server: false,
    call,
};

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    INFO.argument.whole(argument)?;
    Ok(CallValue::Int(0))
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::workload::tests::error;

    #[test]
    fn refuses_what_is_no_number() {
        assert!(error(&INFO, "x").starts_with("the number of the call is \"x\", expected a whole number"));
    }
}

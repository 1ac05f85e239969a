//! `sleep`: waiting without work, as a task that waits for something else does: it needs a lane and no core.

use std::time::Duration;

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "sleep",
    about: "Waits without doing anything; the value is the time that was asked for, in seconds.",
    argument: ArgumentInfo {
        meaning: "time to wait",
        unit: "seconds",
        kind: ArgumentKind::Number { min: 0.0, max: 86_400.0 },
    },
    parameters: &[],
    example: "0.01",
    example_value: "0.01",
    needs_server: false,
    call,
};

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let secs = INFO.argument.number(argument)?;
    std::thread::sleep(Duration::from_secs_f64(secs));
    Ok(CallValue::Float(secs))
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::tests::{call, error};

    #[test]
    fn takes_whole_and_fractional_seconds() {
        assert_eq!(call(&INFO, "0"), CallValue::Float(0.0));
        assert_eq!(call(&INFO, "1e-3"), CallValue::Float(0.001));
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-0.1", "86400.1", "nan", "inf", "1s"] {
            let expected = "expected a number from 0 to 86400 (seconds)";
            assert_eq!(error(&INFO, argument), format!("the time to wait is {argument:?}, {expected}"));
        }
    }
}

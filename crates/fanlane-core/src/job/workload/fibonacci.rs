//! `fibonacci`: the first n Fibonacci numbers, one after the other by addition, the first load of PEP 371 ("50,000
//! Fibonacci numbers"). Doubling would reach the last one far sooner; the work is the point here.

use num_bigint::BigUint;

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "fibonacci",
    about: "The n-th Fibonacci number with all its digits (0, 1, 1, 2, 3, …, counted from 0), by n additions.",
    argument: ArgumentInfo { meaning: "index", unit: "", kind: ArgumentKind::Whole { min: 0, max: 1_000_000 } },
    parameters: &[],
    example: "100",
    example_value: "354224848179261915075",
    needs_server: false,
    call,
};

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let index = INFO.argument.count(argument)?;
    let (mut number, mut next) = (BigUint::ZERO, BigUint::from(1_u8));
    for _ in 0..index {
        number += &next;
        std::mem::swap(&mut number, &mut next);
    }
    Ok(CallValue::Text(number.to_string().into()))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::tests::{call, error};

    #[test]
    fn starts_at_0_and_keeps_every_digit() {
        let numbers = ["0", "1", "1", "2", "3", "5", "8"];
        for (index, number) in numbers.iter().enumerate() {
            assert_eq!(call(&INFO, &index.to_string()), CallValue::Text((*number).into()));
        }
        assert_eq!(call(&INFO, "93"), CallValue::Text("12200160415121876738".into()));
    }

    #[test]
    fn agrees_with_python_at_50000() {
        let CallValue::Text(digits) = call(&INFO, "50000") else { panic!("it is text") };
        assert_eq!(digits.len(), 10_450);
        let digest = format!("{:x}", Sha256::digest(digits.as_bytes()));
        assert_eq!(digest, "6f694bbfdbbc3107be394cfa55cea152b80ca16594361b9954d4fb170453d220");
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-1", "1000001", "0x10"] {
            let expected = format!("the index is {argument:?}, expected a whole number from 0 to 1000000");
            assert_eq!(error(&INFO, argument), expected);
        }
    }
}

//! `queue_traffic`: items put into a queue by one thread and taken out by another, after the last load of PEP 371.
//!
//! The queue is the worker's own: a pipe of the system, through which every item goes in a write and a read of its own,
//! as Python's queue between processes has it. Nothing is gathered.

use std::io::{Read, Write};

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "queue_traffic",
    about: "Sends the numbers below n through a queue from one thread to another, one by one; the value is their sum.",
    argument: ArgumentInfo {
        meaning: "number of items",
        unit: "items",
        kind: ArgumentKind::Whole { min: 0, max: 100_000_000 },
    },
    parameters: &[],
    example: "1000",
    example_value: "499500",
    needs_server: false,
    call,
};

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let items = INFO.argument.count(argument)?;
    let failed = |error: std::io::Error| format!("the queue of {items} items broke off: {error}");
    let (mut exit, mut entrance) = std::io::pipe().map_err(failed)?;
    std::thread::scope(|scope| {
        let producer = std::thread::Builder::new().name("producer".to_owned());
        // The entrance is closed at its end, so the reader sees an end even if it broke off.
        let producer = producer
            .spawn_scoped(scope, move || (0..items).try_for_each(|item| entrance.write_all(&item.to_le_bytes())));
        let producer = producer.map_err(failed)?;
        let mut sum = 0_u64;
        let mut item = [0; 8];
        for _ in 0..items {
            exit.read_exact(&mut item).map_err(failed)?;
            sum += u64::from_le_bytes(item);
        }
        producer.join().map_err(|_| failed(std::io::Error::other("its producer panicked")))?.map_err(failed)?;
        Ok(CallValue::Int(sum.cast_signed()))
    })
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::tests::{call, error};

    #[test]
    fn every_item_comes_out_once() {
        assert_eq!(call(&INFO, "0"), CallValue::Int(0));
        assert_eq!(call(&INFO, "1"), CallValue::Int(0));
        assert_eq!(call(&INFO, "20000"), CallValue::Int(199_990_000));
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-1", "100000001", "many"] {
            let expected = "expected a whole number from 0 to 100000000 (items)";
            assert_eq!(error(&INFO, argument), format!("the number of items is {argument:?}, {expected}"));
        }
    }
}

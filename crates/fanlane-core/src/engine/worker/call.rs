//! Calls of a built-in workload, in this process: a call that has to be ended ends with it.

use std::io;

use super::executor::{Execution, Executor, ExecutorKind, TaskWatch};
use super::lane::LaneShared;
use crate::engine::protocol::{CallParameters, TaskFrame};
use crate::event::Outcome;
use crate::job::TaskKind;
use crate::job::workload::{CallContext, Workload};

pub const KIND: ExecutorKind = ExecutorKind { name: TaskKind::Workload.traits().name, has_process: false, open };

struct CallExecutor {
    workload: Workload,
    context: CallContext,
}

fn open(lane: &LaneShared) -> io::Result<Box<dyn Executor>> {
    let CallParameters { spec, server } = lane.context.setup.task.parameters()?;
    let workload = Workload::prepare(&spec).map_err(io::Error::other)?;
    Ok(Box::new(CallExecutor { workload, context: CallContext { server } }))
}

impl Executor for CallExecutor {
    fn execute(&mut self, task: TaskFrame, _: &dyn TaskWatch) -> Execution {
        match self.workload.call(&task.payload, &self.context) {
            Ok(value) => Execution { value: Some(value), ..Execution::of(Outcome::Done) },
            Err(message) => Execution::of(Outcome::CallFailed(message.into())),
        }
    }

    fn refuse(&self, reason: &str) -> Outcome {
        Outcome::CallFailed(reason.into())
    }
}

//! When the open job or the run under way would end with another number of workers: by a race of the job where there was one, or else
//! by the times of its tasks.

use super::race::Forecast;
use super::{CurrentRun, Session};

impl Session {
    /// The time of a run of the open job with this number of workers, in seconds.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub fn predicted_job_secs(&self, workers: u32) -> Result<f64, &'static str> {
        let preview = self.editor.preview();
        let (Some(job), Some(expanded)) = (preview.job(), preview.expanded()) else {
            return Err("the tasks of the job are not known");
        };
        let mode = self.editor.mode();
        let raced = self.forecast().filter(|forecast| forecast.mode == mode);
        if let Some(secs) = raced.and_then(|forecast| forecast.secs(workers)) {
            return Ok(secs);
        }
        let work = self.open_job_work().ok_or("this job has been neither raced nor run to its end")?;
        let at_once = job.control.at_once(workers);
        Ok(work.secs_with(at_once, expanded.tasks, self.machine.logical_cores))
    }

    /// The time until the end of the run under way with this number of workers, in seconds.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub fn predicted_left_secs(&self, workers: u32) -> Result<f64, &'static str> {
        let run = self.run.under_way().ok_or("no run is under way")?;
        let model = run.model();
        let (progress, now_ns) = (&model.progress, run.now_ns(&model));
        if progress.grows {
            return Err("its inputs are still being read");
        }
        let standstill = [
            (progress.stopping, "the run is being stopped"),
            (progress.paused, "the run is paused"),
            (progress.held.is_some(), "tasks wait for what they need"),
        ];
        if let Some((_, why)) = standstill.into_iter().find(|(holds, _)| *holds) {
            return Err(why);
        }
        let remaining = progress.remaining();
        let most = u32::try_from(remaining).unwrap_or(u32::MAX);
        let at_once = |workers: u32| run.job.control.at_once(workers);
        let cores = self.machine.logical_cores;
        let raced = self
            .forecast_of(run)
            .filter(|forecast| model.pace.sizes(now_ns).chain([workers]).all(|size| forecast.secs(size).is_some()));
        let by_race = |size: u32| raced.and_then(|forecast| forecast.secs(size)).map(|secs| 1.0 / secs.max(1e-9));
        let speed_of = |size: u32| by_race(size).unwrap_or_else(|| model.pace.speed(at_once(size), cores, now_ns));
        let left = model.pace.left_secs(remaining, speed_of(workers.min(most.max(1))), now_ns, speed_of);
        left.ok_or("no task has ended yet")
    }

    /// The forecast for a run by the last race of its job.
    pub fn forecast_of(&self, run: &CurrentRun) -> Option<&Forecast> {
        self.race.forecast(&run.job).filter(|forecast| forecast.mode == run.job.mode)
    }
}

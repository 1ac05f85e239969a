//! CPU and memory use of the machine during a run, in bounded memory. Merged samples keep the largest value, so that no
//! peak is lost.

use std::ops::Range;

use crate::event::{Event, EventKind, MachineSample, SampleEvent};

/// Maximum number of columns; one more merges them in pairs.
pub const MAX_COLUMNS: usize = 1024;

/// CPU and memory use over time.
#[derive(Clone, Debug)]
pub struct CoreHistory {
    cores: usize,
    // Column after column, `cores` values each.
    percent: Vec<f32>,
    columns: Vec<Column>,
    // Samples in a full column: 1, 2, 4, …
    stride: u32,
    newest: Option<MachineSample>,
}

/// One step of time: its values hold from the end of the previous column to `to_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Where it begins, in nanoseconds since the run's start.
    pub from_ns: u64,
    /// Where it ends.
    pub to_ns: u64,
    /// Peak memory in use, in bytes.
    pub memory_used_bytes: u64,
    samples: u32,
}

impl Default for CoreHistory {
    fn default() -> Self {
        Self { cores: 0, percent: Vec::new(), columns: Vec::new(), stride: 1, newest: None }
    }
}

impl CoreHistory {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        if let EventKind::Sample(SampleEvent::Machine(sample)) = &event.kind {
            self.push(event.at_ns, sample);
        }
    }

    /// Number of logical cores; 0 before the first sample.
    pub fn cores(&self) -> usize {
        self.cores
    }

    /// The steps of time, oldest first, each beginning where the previous one ends.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The largest use of each core in one column, 0 to 100 %.
    pub fn percent(&self, column: usize) -> &[f32] {
        &self.percent[column * self.cores..(column + 1) * self.cores]
    }

    /// The largest use of each core over several columns, 0 to 100 %; all 0 for none.
    pub fn peak_percent(&self, columns: Range<usize>) -> Vec<f32> {
        let mut peak = vec![0.0; self.cores];
        for column in columns {
            raise(&mut peak, self.percent(column));
        }
        peak
    }

    /// The column that covers a time.
    pub fn column_at(&self, time_ns: u64) -> Option<usize> {
        let index = self.columns.partition_point(|column| column.to_ns <= time_ns);
        (self.columns.get(index)?.from_ns <= time_ns).then_some(index)
    }

    /// The newest sample, unmerged.
    pub fn newest(&self) -> Option<&MachineSample> {
        self.newest.as_ref()
    }

    /// The time of the newest sample, in nanoseconds since the run's start.
    pub fn end_ns(&self) -> u64 {
        self.columns.last().map_or(0, |column| column.to_ns)
    }

    fn push(&mut self, at_ns: u64, sample: &MachineSample) {
        if sample.core_percent.len() > self.cores {
            self.widen(sample.core_percent.len());
        }
        let mut percent: Vec<f32> = sample.core_percent.iter().map(|&percent| clean(percent)).collect();
        // A core that was switched off is idle.
        percent.resize(self.cores, 0.0);
        let at_ns = at_ns.max(self.end_ns());
        match self.columns.last_mut() {
            Some(last) if last.samples < self.stride => {
                last.to_ns = at_ns;
                last.samples += 1;
                last.memory_used_bytes = last.memory_used_bytes.max(sample.memory_used_bytes);
                let start = self.percent.len() - self.cores;
                raise(&mut self.percent[start..], &percent);
            }
            last => {
                let from_ns = last.map_or(0, |last| last.to_ns);
                self.columns.push(Column {
                    from_ns,
                    to_ns: at_ns,
                    memory_used_bytes: sample.memory_used_bytes,
                    samples: 1,
                });
                self.percent.extend_from_slice(&percent);
            }
        }
        if self.columns.len() > MAX_COLUMNS {
            self.merge_pairs();
        }
        self.newest = Some(sample.clone());
    }

    fn widen(&mut self, cores: usize) {
        let mut percent = Vec::with_capacity(self.columns.len() * cores);
        for column in 0..self.columns.len() {
            percent.extend_from_slice(self.percent(column));
            percent.resize((column + 1) * cores, 0.0);
        }
        self.percent = percent;
        self.cores = cores;
    }

    fn merge_pairs(&mut self) {
        let mut percent = Vec::with_capacity(self.percent.len() / 2 + self.cores);
        for first in (0..self.columns.len()).step_by(2) {
            percent.extend(self.peak_percent(first..(first + 2).min(self.columns.len())));
        }
        self.columns = self
            .columns
            .chunks(2)
            .map(|pair| {
                let (first, last) = (pair[0], pair[pair.len() - 1]);
                Column {
                    from_ns: first.from_ns,
                    to_ns: last.to_ns,
                    memory_used_bytes: first.memory_used_bytes.max(last.memory_used_bytes),
                    samples: pair.iter().map(|column| column.samples).sum(),
                }
            })
            .collect();
        self.percent = percent;
        self.stride *= 2;
    }
}

fn clean(percent: f32) -> f32 {
    if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 }
}

fn raise(peak: &mut [f32], percent: &[f32]) {
    for (peak, percent) in peak.iter_mut().zip(percent) {
        *peak = peak.max(*percent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(history: &mut CoreHistory, at_ns: u64, core_percent: &[f32], memory_used_bytes: u64) {
        let sample = MachineSample { core_percent: core_percent.to_vec(), memory_used_bytes, memory_total_bytes: 100 };
        history.apply(&Event { at_ns, kind: EventKind::Sample(SampleEvent::Machine(sample)) });
    }

    #[test]
    fn a_sample_holds_since_the_one_before() {
        let mut history = CoreHistory::default();
        sampled(&mut history, 500, &[10.0, 20.0], 5);
        sampled(&mut history, 1000, &[30.0, 40.0], 6);
        assert_eq!((history.cores(), history.columns().len(), history.end_ns()), (2, 2, 1000));
        assert_eq!(history.column_at(499), Some(0));
        assert_eq!(history.column_at(500), Some(1));
        assert_eq!(history.column_at(1000), None);
        assert_eq!(history.percent(1), [30.0, 40.0]);
    }

    #[test]
    fn a_peak_outlives_every_merge_and_memory_stays_bounded() {
        let mut history = CoreHistory::default();
        for index in 0..100_000_u64 {
            let percent = if index == 777 { 99.0 } else { 1.0 };
            sampled(&mut history, (index + 1) * 10, &[percent, 2.0], u64::from(index == 999));
            assert!(history.columns().len() <= MAX_COLUMNS);
        }
        let peaks = (0..history.columns().len()).filter(|&column| history.percent(column)[0] == 99.0);
        let peaks: Vec<_> = peaks.collect();
        assert_eq!(peaks.len(), 1);
        let column = history.columns()[peaks[0]];
        assert!(column.from_ns <= 7770 && 7780 <= column.to_ns);
        assert_eq!(history.columns().iter().filter(|column| column.memory_used_bytes == 1).count(), 1);
        assert!(history.columns().windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
        assert_eq!(history.end_ns(), 1_000_000);
    }

    #[test]
    fn odd_values_and_a_changing_number_of_cores_are_taken() {
        let mut history = CoreHistory::default();
        sampled(&mut history, 1, &[f32::NAN], 0);
        sampled(&mut history, 2, &[120.0, -5.0, 7.0], 0);
        sampled(&mut history, 3, &[50.0], 0);
        assert_eq!(history.percent(0), [0.0, 0.0, 0.0]);
        assert_eq!(history.percent(1), [100.0, 0.0, 7.0]);
        assert_eq!(history.percent(2), [50.0, 0.0, 0.0]);
        assert_eq!(history.peak_percent(0..3), [100.0, 0.0, 7.0]);
    }
}

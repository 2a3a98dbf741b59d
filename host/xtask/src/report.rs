//! Records how long each step took, and everything that was skipped, and why.

use std::fmt;
use std::time::Duration;

/// The report of a run: its steps, and everything that they have skipped.
#[derive(Default)]
pub struct Report {
    finished: Vec<(&'static str, Duration)>,
    skipped: Vec<(&'static str, String)>,
}

/// The part of a report that one step writes.
pub struct Skips<'a> {
    step: &'static str,
    report: &'a mut Report,
}

impl Report {
    /// Returns the part of one step.
    pub fn of(&mut self, step: &'static str) -> Skips<'_> {
        Skips { step, report: self }
    }

    /// Records that a step has ended, whether it succeeded or not.
    pub fn finish(&mut self, step: &'static str, time: Duration) {
        self.finished.push((step, time));
    }
}

/// The beginning of a line that says what is not checked.
const SKIPPED: &str = "!!! SKIPPED: ";

impl Skips<'_> {
    /// Records and prints what this step does not check here, and why.
    pub fn skip(&mut self, what_and_why: impl Into<String>) {
        let what_and_why = what_and_why.into();
        say!("\n{SKIPPED}{what_and_why}");
        self.report.skipped.push((self.step, what_and_why));
    }

    /// Records what the output of this step, which ran as another process, says that it has skipped.
    pub fn skipped_in(&mut self, output: &str) {
        let skipped = output.lines().filter_map(|line| line.strip_prefix(SKIPPED));
        self.report.skipped.extend(skipped.map(|it| (self.step, it.to_owned())));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "\n=== Seconds")?;
        for (step, time) in &self.finished {
            writeln!(f, "{step:<15}{:>5}", time.as_secs())?;
        }
        write!(f, "\n=== Skipped: {}", self.skipped.len())?;
        for (step, what_and_why) in &self.skipped {
            write!(f, "\n{step}: {what_and_why}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_skips_are_listed_with_their_steps() {
        let mut report = Report::default();
        assert_eq!(report.to_string(), "\n=== Seconds\n\n=== Skipped: 0");
        report.skipped.push(("fuzz", "the fuzz targets: no nightly toolchain".into()));
        let output = "compiled\n\n!!! SKIPPED: a real nginx: it cannot be installed\nran\n";
        report.of("tests").skipped_in(output);
        report.finish("tests", Duration::from_millis(61_900));
        assert_eq!(
            report.to_string(),
            "\n=== Seconds\ntests             61\n\n=== Skipped: 2\nfuzz: the fuzz targets: no nightly toolchain\n\
             tests: a real nginx: it cannot be installed"
        );
    }
}

//! Records everything that was skipped, and why.

use std::fmt;

/// Everything that the steps of a run have skipped.
#[derive(Default)]
pub struct Report {
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
}

impl Skips<'_> {
    /// Records and prints what this step does not check here, and why.
    pub fn skip(&mut self, what_and_why: impl Into<String>) {
        let what_and_why = what_and_why.into();
        say!("\n!!! SKIPPED: {what_and_why}");
        self.report.skipped.push((self.step, what_and_why));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
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
    fn what_is_skipped_is_counted_and_listed_with_its_step() {
        let mut report = Report::default();
        assert_eq!(report.to_string(), "\n=== Skipped: 0");
        report.skipped.push(("fuzz", "the fuzz targets: no nightly toolchain".into()));
        report.skipped.push(("tests", "a real nginx: it cannot be installed".into()));
        assert_eq!(
            report.to_string(),
            "\n=== Skipped: 2\nfuzz: the fuzz targets: no nightly toolchain\n\
             tests: a real nginx: it cannot be installed"
        );
    }
}

//! Parses and prints the options about time.

use std::time::Duration;

use clap::{Args, value_parser};
use janitor_contract::types::Options;

use super::print::Valued;

/// The heading of the options about time.
pub const TIME: &str = "Time";

/// The longest time that an option accepts, in seconds: a year of 365 days. Nothing that a run waits
/// for takes as long.
pub const MOST_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The time limits of every command that sends requests.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = TIME)]
pub struct Limits {
    /// Cancel the run after this time, such as 90s, 10m or 1h30m. In-flight requests are finished,
    /// and what is left is listed. The time at a prompt does not count
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Seconds to wait in each phase for the master to confirm it, and for a server that is
    /// temporarily unavailable [default: 30]
    #[arg(long, value_name = "SECONDS")]
    #[arg(value_parser = value_parser!(u32).range(..=i64::from(MOST_SECONDS)))]
    pub confirm_seconds: Option<u32>,
}

/// The options about time of a run that may wait.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = TIME)]
pub struct Waiting {
    /// Wait up to this time for agents, operations and frameworks
    ///
    /// This is the time in all, such as 90s, 10m or 1h30m, for agents that are away, pending
    /// operations, and a framework that ends
    #[arg(long, value_name = "DURATION", value_parser = in_seconds)]
    pub wait: Option<u32>,
    /// The time limits.
    #[command(flatten)]
    pub limits: Limits,
}

impl Limits {
    /// Adds the options of the command line to the given ones.
    pub fn added_to(&self, options: Options) -> Options {
        let confirm_seconds = self.confirm_seconds.unwrap_or(options.confirm_seconds);
        Options { confirm_seconds, ..options }
    }
}

impl Waiting {
    /// Adds the options of the command line to the given ones.
    pub fn added_to(&self, options: Options) -> Options {
        let wait_seconds = self.wait.unwrap_or(options.wait_seconds);
        Options { wait_seconds, ..self.limits.added_to(options) }
    }
}

/// Prints the options about time that differ from their defaults. A document may name a longer time
/// than an option accepts.
pub fn named(options: &Options) -> Vec<Valued> {
    let wait = Duration::from_secs(options.wait_seconds.min(MOST_SECONDS).into());
    let wait = (!wait.is_zero()).then(|| ("--wait", words(wait)));
    let confirm = options.confirm_seconds.min(MOST_SECONDS);
    let confirm = (confirm != Options::DEFAULT.confirm_seconds)
        .then(|| ("--confirm-seconds", confirm.to_string()));
    wait.into_iter().chain(confirm).collect()
}

/// Prints a duration in one word, as it is parsed.
pub fn words(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}

/// Parses a duration with its units.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|why| why.to_string())?;
    match () {
        () if duration.is_zero() => Err("it must be longer than nothing".into()),
        () if seconds(duration) > MOST_SECONDS => Err("it must not be longer than 365 days".into()),
        () => Ok(duration),
    }
}

/// Rounds a duration up to seconds; more than fit into the type are cut.
pub fn seconds(duration: Duration) -> u32 {
    let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    seconds.try_into().unwrap_or(u32::MAX)
}

/// Parses a duration, and rounds it up to seconds.
fn in_seconds(text: &str) -> Result<u32, String> {
    duration(text).map(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, expected) in
            [("90s", Ok(90)), ("1h30m", Ok(5400)), ("1ms", Ok(1)), ("2days", Ok(172_800))]
        {
            assert_eq!(in_seconds(text), expected, "{text}");
        }
        for text in ["", "0s", "10", "-1s", "1 fortnight"] {
            assert!(in_seconds(text).is_err(), "{text}");
        }
        assert_eq!(in_seconds("365days"), Ok(365 * 86_400));
        for text in ["365days 1ms", "366days", "99999999999999h", "9999999999999999999999h"] {
            assert!(in_seconds(text).is_err() && duration(text).is_err(), "{text}");
        }
    }
}

//! How long an agent may be silent until the master marks it unreachable: `GET master/flags`.
//!
//! The master pings each agent once per `agent_ping_timeout`, and marks it unreachable after
//! `max_agent_ping_timeouts` pings without an answer ("Mesos Configuration"; before 1.0, the names of
//! these flags have `slave` in place of `agent`). A ping and a removal travel over the same connection,
//! so an agent that has answered a ping has also received every removal that was sent before it.

use std::time::Duration;

use serde::Deserialize;

use super::answer::{self, Page};
use crate::host::{Host, request};
use crate::retry::Retries;
use janitor_contract::types::{Endpoint, Method};

/// The longest that is usual, if this user may not view the flags, or they cannot be read: DC/OS pings
/// every 15 s, and allows 20 timeouts. Mesos itself allows 5.
const USUAL: Pings = Pings { timeout: Duration::from_secs(15), count: 20 };

/// The longest time for an answer that Mesos allows (`src/master/constants.hpp`).
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The pings that the master sends to an agent.
struct Pings {
    /// The time for one answer.
    timeout: Duration,
    /// The number of timeouts after which the agent is unreachable.
    count: u32,
}

impl Pings {
    /// Returns the longest time between an agent's last answer and its end as a listed agent: the
    /// next ping may be sent as late as one timeout after the answer, and the registry must be written,
    /// for which there is another.
    fn longest_silence(&self) -> Duration {
        self.timeout.saturating_mul(self.count.saturating_add(2))
    }
}

/// Asks the master how long an agent that does not answer is still listed as active. It returns nothing if
/// the server lacks the page.
pub fn longest_silence<H: Host>(host: &mut H, retries: &mut Retries) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Flags {
        flags: Values,
    }

    #[derive(Deserialize)]
    struct Values {
        #[serde(alias = "slave_ping_timeout")]
        agent_ping_timeout: String,
        #[serde(alias = "max_slave_ping_timeouts")]
        max_agent_ping_timeouts: String,
    }

    let page = request(Endpoint::Master, Method::Get, vec!["flags".into()]);
    let pings = match answer::page(host, &page, retries, |json| json.value::<Flags>()) {
        Page::Says(Flags { flags }) => {
            let is_possible = |it: &Duration| !it.is_zero() && *it <= LONGEST;
            let timeout = duration(&flags.agent_ping_timeout).filter(is_possible);
            let count = flags.max_agent_ping_timeouts.parse().ok().filter(|it| *it > 0);
            timeout.zip(count).map(|(timeout, count)| Pings { timeout, count })
        }
        Page::Missing => return None,
        Page::Unknown(_) => None,
    };
    Some(pings.unwrap_or(USUAL).longest_silence())
}

/// Reads a duration as Mesos writes it: a number and its unit.
fn duration(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let unit = text.strip_prefix(number)?;
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "secs" => 1.0,
        "mins" => 60.0,
        "hrs" => 3_600.0,
        "days" => 86_400.0,
        "weeks" => 604_800.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn the_flags_say_how_long_an_agent_may_be_silent() {
        let agent = |timeout: &str, count: &str| {
            format!(
                r#"{{"flags":{{"agent_ping_timeout":"{timeout}","max_agent_ping_timeouts":"{count}"}}}}"#
            )
        };
        let old = r#"{"flags":{"slave_ping_timeout":"10secs","max_slave_ping_timeouts":"3"}}"#;
        for (status, flags, seconds) in [
            (200, agent("15secs", "5"), 105.0),
            (200, agent("1.5mins", "2"), 360.0),
            (200, agent("1500ms", "1"), 4.5),
            (200, agent("2e9ns", "1"), 6.0),
            (200, agent("5e6us", "2"), 20.0),
            (200, agent("0.25hrs", "1"), 2_700.0),
            (200, agent("0.01days", "1"), 2_592.0),
            (200, agent("0.001weeks", "1"), 1_814.4),
            (200, agent("1secs", "1"), 3.0),
            (200, old.to_owned(), 50.0),
            (200, agent("soon", "5"), 330.0),
            (200, agent("15secs", "many"), 330.0),
            (200, agent("-1secs", "5"), 330.0),
            (200, agent("0secs", "1"), 330.0),
            (200, agent("901secs", "1"), 330.0),
            (200, agent("1e19secs", "5"), 330.0),
            (200, agent("15secs", "0"), 330.0),
            (200, r#"{"flags":{}}"#.to_owned(), 330.0),
            (403, String::new(), 330.0),
            (500, String::new(), 330.0),
        ] {
            let mut host = Script::default().page("flags", status, flags.clone());
            let mut retries = Retries::new(&mut host, Duration::ZERO);
            let found = longest_silence(&mut host, &mut retries);
            assert_eq!(found.map(|it| it.as_secs_f64()), Some(seconds), "{status} {flags}");
        }
        let mut host = Script::default().page("flags", 404, "");
        let mut retries = Retries::new(&mut host, Duration::ZERO);
        assert_eq!(longest_silence(&mut host, &mut retries), None);
    }
}

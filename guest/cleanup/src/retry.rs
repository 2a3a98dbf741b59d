//! Retries: a request is sent again only if that may help, and for a limited time.

use std::time::Duration;

use crate::host::Host;
use janitor_contract::types::Error;

/// The prospects of sending the same request again, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retry {
    /// The answer stays the same until somebody changes something.
    Never,
    /// The cause disappears soon, or never: a connection was refused or broke, or the
    /// request lost a race with the master's allocator (409).
    Soon,
    /// A server must become ready first: a master must be elected, or a proxy must reach the
    /// server behind it.
    WhenReady,
}

impl Retry {
    /// Decides for an answer with this status.
    pub fn of_status(status: u16) -> Self {
        match status {
            409 => Self::Soon,
            // A master that has lost the lead answers 307, which the host did not follow.
            307 | 502 | 503 | 504 => Self::WhenReady,
            _ => Self::Never,
        }
    }

    /// Decides for a request without an answer.
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::Connect(_) | Error::Reset => Self::Soon,
            _ => Self::Never,
        }
    }
}

/// The shortest pause: the contract counts in milliseconds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The first pause of a series.
const SHORTEST: Duration = Duration::from_millis(100);

/// A series of pauses, each longer than the one before, with a time limit on the host's
/// clock.
pub struct Backoff {
    end: Duration,
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Starts the time limit of something that the servers are about to do.
    pub fn new<H: Host>(host: &mut H, limit: Duration) -> Self {
        Self::since(host.elapsed(), limit)
    }

    /// The same, where the time limit has started at an earlier time on the host's clock.
    pub fn since(start: Duration, limit: Duration) -> Self {
        Self { end: start.saturating_add(limit), next: SHORTEST, longest: Duration::from_secs(2) }
    }

    /// Starts the time limit of something that may take long, and is looked at less often.
    pub fn patient<H: Host>(host: &mut H, limit: Duration) -> Self {
        Self { longest: Duration::from_secs(10), ..Self::new(host, limit) }
    }

    /// Begins again with short pauses, and keeps the time limit.
    pub fn restart(&mut self) {
        self.next = SHORTEST;
    }

    /// Returns whether the run has paused.
    pub fn has_paused(&self) -> bool {
        self.next > SHORTEST
    }

    /// Returns the time that is left.
    pub fn rest<H: Host>(&self, host: &mut H) -> Duration {
        self.end.saturating_sub(host.elapsed())
    }

    /// Pauses, and returns whether to try again: `false` when the time limit has passed or
    /// the run is being stopped.
    #[must_use]
    pub fn wait<H: Host>(&mut self, host: &mut H) -> bool {
        let pause = self.next.min(self.rest(host));
        self.next = (self.next * 2).min(self.longest);
        pause >= SHORTEST_PAUSE && host.pause(pause)
    }

    /// Returns whether the time limit has passed. If it has not after [`Backoff::wait`] has returned
    /// `false`, the run is being stopped.
    pub fn is_over<H: Host>(&self, host: &mut H) -> bool {
        self.rest(host) < SHORTEST_PAUSE
    }
}

/// The tries that a series of requests has left: three for [`Retry::Soon`], and as many as
/// a time limit allows for [`Retry::WhenReady`].
pub struct Retries {
    short: std::array::IntoIter<u64, 3>,
    long: Backoff,
}

impl Retries {
    /// Starts the time limit for servers that are not ready.
    pub fn new<H: Host>(host: &mut H, limit: Duration) -> Self {
        Self::since(host.elapsed(), limit)
    }

    /// The same, where the time limit has started at an earlier time on the host's clock.
    pub fn since(start: Duration, limit: Duration) -> Self {
        Self { short: [100, 200, 400].into_iter(), long: Backoff::since(start, limit) }
    }

    /// Pauses if the request is worth another try, and returns whether to try again.
    #[must_use]
    pub fn wait<H: Host>(&mut self, host: &mut H, retry: Retry) -> bool {
        match retry {
            Retry::Never => false,
            Retry::Soon => {
                let pause = self.short.next().map(Duration::from_millis);
                pause.is_some_and(|pause| host.pause(pause))
            }
            Retry::WhenReady => self.long.wait(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Waits until the end, and returns the pauses in milliseconds.
    fn pauses(host: &mut Script, backoff: &mut Backoff) -> Vec<u128> {
        let mut all = Vec::new();
        let mut before = host.paused;
        while backoff.wait(host) {
            all.push((host.paused - before).as_millis());
            before = host.paused;
        }
        all
    }

    #[test]
    fn pauses_become_longer_up_to_the_time_limit() {
        let mut host = Script::default();
        let mut backoff = Backoff::new(&mut host, Duration::from_secs(10));
        let expected = [100, 200, 400, 800, 1600, 2000, 2000, 2000, 900];
        assert_eq!(pauses(&mut host, &mut backoff), expected);
        let mut patient = Backoff::patient(&mut host, LIMIT);
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000, 7300];
        assert_eq!(pauses(&mut host, &mut patient), expected);
    }

    #[test]
    fn a_new_beginning_keeps_the_time_limit() {
        let mut host = Script::default();
        let mut backoff = Backoff::new(&mut host, Duration::from_secs(1));
        assert!((0..3).all(|_| backoff.wait(&mut host)));
        backoff.restart();
        assert_eq!(backoff.rest(&mut host), Duration::from_millis(300));
        assert_eq!(pauses(&mut host, &mut backoff), [100, 200]);
    }

    #[test]
    fn a_time_limit_is_over_when_less_than_the_shortest_pause_is_left() {
        let mut host = Script::default();
        let backoff = Backoff::new(&mut host, SHORTEST_PAUSE);
        assert!(!backoff.is_over(&mut host));
        assert!(host.pause(Duration::from_micros(1)));
        assert!(backoff.is_over(&mut host));
    }

    #[test]
    fn a_time_limit_may_be_longer_than_any_clock() {
        let mut host = Script::default();
        host.paused = Duration::from_secs(1);
        assert!(Backoff::new(&mut host, Duration::MAX).wait(&mut host));
    }

    #[test]
    fn a_run_that_is_stopped_does_not_try_again() {
        let mut host = Script::default();
        host.continues = false;
        assert!(!Backoff::new(&mut host, LIMIT).wait(&mut host));
        for retry in [Retry::Never, Retry::Soon, Retry::WhenReady] {
            assert!(!Retries::new(&mut host, LIMIT).wait(&mut host, retry), "{retry:?}");
        }
    }
}

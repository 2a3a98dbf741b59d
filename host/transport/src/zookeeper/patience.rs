//! Waits with a time limit.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::fault::{Fault, broken};

/// Looks up the addresses of a server at `host:port`.
///
/// # Errors
/// Fails if none is known by `end`, or if the wait is abandoned.
pub(super) fn addresses(
    server: &str,
    end: Instant,
    is_over: impl Fn() -> bool,
) -> Result<Vec<SocketAddr>, Fault> {
    if let Ok(address) = server.parse() {
        return Ok(vec![address]);
    }
    let server = server.to_owned();
    let look_up = move || server.to_socket_addrs().map(Iterator::collect).map_err(broken);
    let addresses: Vec<_> = aside(end, is_over, look_up)?;
    match addresses.is_empty() {
        true => Err(Fault::NoAnswer("its name has no address".into())),
        false => Ok(addresses),
    }
}

/// Carries out work that may take long and cannot be interrupted, on a thread of its own. It is
/// abandoned at `end`, or as soon as `is_over` returns true.
///
/// # Errors
/// Fails if the work fails or is abandoned.
pub(super) fn aside<T: Send + 'static>(
    end: Instant,
    is_over: impl Fn() -> bool,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    /// The interval at which `is_over` is called.
    const LOOK: Duration = Duration::from_millis(50);
    let (done, result) = mpsc::channel();
    let work = move || {
        // The caller may have stopped waiting.
        let _ = done.send(work());
    };
    thread::Builder::new().name("ZooKeeper".into()).spawn(work).map_err(broken)?;
    loop {
        match result.recv_timeout(wait(LOOK, end)?) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) if !is_over() => {}
            Err(_) => return Err(Fault::NoAnswer("the wait for it was abandoned".into())),
        }
    }
}

/// Returns the time that the next step may take, at most `silence`.
pub(super) fn wait(silence: Duration, end: Instant) -> Result<Duration, Fault> {
    match silence.min(end.saturating_duration_since(Instant::now())) {
        Duration::ZERO => Err(Fault::NoAnswer("it does not answer in time".into())),
        time => Ok(time),
    }
}

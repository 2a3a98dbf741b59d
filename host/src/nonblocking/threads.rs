//! Waits for functions that block, on threads of their own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use futures_channel::oneshot;

/// Calls a function that blocks, on a thread of its own, and waits for its result. A panic of the
/// function continues here. If the future is dropped, the thread ends when the function does.
///
/// These are not threads of a pool: one whose threads are all waiting for exchanges would never
/// read the bodies for which other exchanges wait.
///
/// # Errors
/// Fails if no thread can be started.
pub async fn wait_for<T: Send + 'static>(
    block: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (result, receiver) = oneshot::channel();
    thread::Builder::new().name("wait".into()).spawn(move || {
        // A caller that was dropped does not need the result.
        let _ = result.send(catch_unwind(AssertUnwindSafe(block)));
    })?;
    match receiver.await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(panic)) => resume_unwind(panic),
        Err(why) => Err(io::Error::other(why)),
    }
}

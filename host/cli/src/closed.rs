//! Notices that standard output was closed when the program started (`>&-`). Before `main`, Rust
//! opens `/dev/null` in place of a closed stream, and from then on every write seems to succeed.

use std::sync::atomic::{AtomicBool, Ordering};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Returns the error of a standard output that was closed when the program started.
pub fn error() -> Option<String> {
    let was_closed = WAS_CLOSED.load(Ordering::Relaxed);
    was_closed.then(|| "cannot write to standard output: it is closed".into())
}

#[cfg(target_os = "linux")]
mod before_main {
    use super::{Ordering, WAS_CLOSED};

    /// A function that the system's loader calls before Rust's runtime starts.
    // SAFETY: the section is a list of such functions, and this one makes a single system call.
    #[allow(unsafe_code)]
    #[used]
    #[unsafe(link_section = ".init_array")]
    static EXAMINE: extern "C" fn() = examine;

    extern "C" fn examine() {
        let is_closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err();
        WAS_CLOSED.store(is_closed, Ordering::Relaxed);
    }
}

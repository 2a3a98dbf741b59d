//! Prints to standard output, which may be closed.

/// Prints a line. Unlike `println!`, it does not panic once a reader such as `head` has closed the
/// pipe.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        // A step must be carried out whether its output is read or not.
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

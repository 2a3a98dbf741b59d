//! Standard output, on which there may be nobody who reads any more.

/// Prints a line. Unlike `println!`, it does not end the program where `| head` has read enough.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        // A step must be carried out whether its words are read or not.
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

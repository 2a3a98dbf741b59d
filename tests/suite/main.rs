//! The tests of the whole: the binary and the library, against the stand-in, against components
//! that misbehave, and against real servers if there are any. The tests that are a folder of files
//! each are a program of their own: `scenarios.rs`.
//!
//! A test that cannot run here says why, on standard error, and passes.

// A test fails by a failed assertion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Makes a table, and a test for each of its rows: the name of the test, its case, and the function
/// that gets both.
macro_rules! cases {
    (
        $(#[$attribute:meta])*
        $table:ident: $kind:ty => $test:path;
        $($name:ident: $case:expr,)*
    ) => {
        $(#[$attribute])*
        const $table: &[(&str, $kind)] = &[$((stringify!($name), $case)),*];
        $(
            #[test]
            fn $name() {
                const CASE: $kind = $case;
                $test(stringify!($name), CASE);
            }
        )*
    };
}

/// Makes tests that are named here, and whose functions are elsewhere.
macro_rules! tests {
    ($($(#[$attribute:meta])* $name:ident: $call:expr,)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                $call;
            }
        )*
    };
}

mod canary;
mod command;
mod component;
mod composed;
mod contract;
mod credentials;
mod detection;
mod docs;
mod embedders;
mod faults;
mod files;
mod forms;
mod front;
mod golden;
mod help;
mod image;
mod inspect;
mod killed;
mod needs;
mod nested;
mod nginx;
mod nonblocking;
mod operating;
mod outcome;
mod page;
mod plans;
mod random;
mod real;
mod recordings;
mod router;
mod sandbox;
mod schemas;
mod scripts;
mod settings;
mod several;
mod shown;
mod signals;
mod simulated;
mod stock;
mod terminal;
mod tls;
mod toolchain;
mod transport;
mod validation;
mod viewer;
mod waiting;
mod zookeeper;

//! Command lines: how they are read, and how they are printed.

pub mod parse;

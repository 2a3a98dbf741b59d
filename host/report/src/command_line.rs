//! Command lines: how they are read, and how they are printed. Reading a printed command
//! line returns the values that it was printed from.

pub mod parse;
pub mod print;
pub mod time;

#[cfg(test)]
mod tests;

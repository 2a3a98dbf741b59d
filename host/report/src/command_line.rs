//! Command lines: how they are read, and how they are printed. What is printed is read as
//! what it was made of.

pub mod parse;
pub mod print;

#[cfg(test)]
mod tests;

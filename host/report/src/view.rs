//! The part of a result that people want to see.

/// The part of a result that people want to see.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The agents are listed one by one.
    pub verbose: bool,
    /// Only this role is shown, with its agents.
    pub role: Option<String>,
    /// The columns of the terminal; none if the text is for a file or another program.
    pub width: Option<usize>,
}

//! The reasons why a recording cannot be used.

use super::har::Run;

/// A text is no recording that can be replayed here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarError {
    /// It is no HAR.
    #[error("it is no HAR file: {0}")]
    NotHar(#[source] serde_json::Error),
    /// It is HAR, and another program has made it.
    #[error("{name} {version} made it; it has no `_janitor`, so janitor did not")]
    OtherProgram {
        /// The program's name.
        name: String,
        /// The program's version.
        version: String,
    },
    /// The part about its run is not as this version of janitor needs it.
    #[error(
        "{why}. {name} {version} made it, and this is {}: replay it there, or record it again",
        env!("CARGO_PKG_VERSION")
    )]
    Run {
        /// The reason why it is refused.
        #[source]
        why: RunFault,
        /// The name of the program that made it.
        name: String,
        /// The version of that program.
        version: String,
    },
    /// Its exchanges are damaged.
    #[error("it is damaged: {0}")]
    Damaged(#[source] serde_json::Error),
}

/// The reason why the part of a recording about its run cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunFault {
    /// It is of another version.
    #[error("its schema_version is {0}, and this janitor reads {ours}", ours = Run::SCHEMA_VERSION)]
    SchemaVersion(String),
    /// It has no version.
    #[error("its `_janitor` has no schema_version")]
    NoSchemaVersion,
    /// Its fields are not those of this version.
    #[error("its `_janitor` cannot be understood: {0}")]
    Fields(String),
    /// No exchange was allowed in flight.
    #[error("its window is 0")]
    NoWindow,
}

/// A recorded body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// It is no base64.
    #[error(transparent)]
    Base64(#[from] base64::DecodeError),
    /// Its encoding is another one.
    #[error("unknown encoding {0}")]
    Unknown(String),
}

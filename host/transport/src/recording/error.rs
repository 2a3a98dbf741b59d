//! The reasons why a recording cannot be used.

/// The reason why a file is not a recording that can be replayed by this version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarError {
    /// It is not HAR.
    #[error("it is not a HAR file: {0}")]
    NotHar(#[source] serde_json::Error),
    /// It is HAR, and was recorded by another program.
    #[error("it has no `_janitor`, because it was recorded by {name} {version}, not by janitor")]
    OtherProgram {
        /// The program's name.
        name: String,
        /// The program's version.
        version: String,
    },
    /// The part about its run does not suit this version of janitor.
    #[error(
        "{why}. It was recorded by {name} {version}, and this is {}: replay it there, or record it \
         again",
        env!("CARGO_PKG_VERSION")
    )]
    Run {
        /// The reason why it is refused.
        #[source]
        why: RunFault,
        /// The name of the program that recorded it.
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
    /// It has another version.
    #[error("its schema_version is {found}, and this janitor reads {ours}")]
    SchemaVersion {
        /// The version of the recording.
        found: String,
        /// The version that this crate reads.
        ours: u32,
    },
    /// It has no version.
    #[error("its `_janitor` has no schema_version")]
    NoSchemaVersion,
    /// Its fields are not those of this version.
    #[error("its `_janitor` is invalid: {0}")]
    Fields(String),
    /// No exchange was allowed in flight.
    #[error("its window is 0")]
    NoWindow,
}

/// The reason why a recorded body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// It is not base64.
    #[error(transparent)]
    Base64(#[from] base64::DecodeError),
    /// Its encoding is unknown.
    #[error("unknown encoding {0}")]
    Unknown(String),
}

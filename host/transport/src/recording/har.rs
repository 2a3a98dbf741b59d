//! The file format of recordings: HAR 1.2, which the network panels of browsers open, with one
//! field of our own (`_janitor`) and one for exchanges without a complete response (`_error`). HAR
//! allows such fields if they start with `_`.
//!
//! No header except the content type is kept, so a recording contains no credential and no cookie.
//! `scrub` decides what else is left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{EncodingError, HarError, RunFault};
use crate::exchange::Request;
use janitor_contract::call::Call;
use janitor_contract::endpoint::Endpoints;
use janitor_contract::strict;
use janitor_contract::types::{Error, Options};

/// A recording, as a whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Har {
    /// The content. HAR has no other top-level field.
    pub log: Log,
}

/// The content of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Log {
    /// The version of HAR: `1.2`.
    pub version: String,
    /// The program that recorded the file.
    pub creator: Creator,
    /// The run.
    #[serde(rename = "_janitor")]
    pub janitor: Run,
    /// The exchanges, in the order in which they were sent.
    pub entries: Vec<Entry>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Creator {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The part of a recording about its run, which a replay needs besides the exchanges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Run {
    /// The version of this object.
    pub schema_version: u32,
    /// The digest of the component that ran: `sha256:` and 64 hexadecimal digits.
    pub component: String,
    /// The URLs of the servers.
    pub endpoints: Endpoints,
    /// The call.
    pub call: Call,
    /// The options.
    pub options: Options,
    /// The step at which the run noticed its cancellation, if it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<u64>,
    /// Each time that the run's clock returned, in milliseconds since the run began. Recordings
    /// from before the clock existed have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<Vec<u64>>,
    /// The number of exchanges that were allowed in flight.
    pub window: u32,
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The time at which the exchange began, as RFC 3339.
    pub started_date_time: String,
    /// The duration of the exchange, in milliseconds.
    pub time: f64,
    /// The request.
    pub request: RequestEntry,
    /// The response.
    pub response: ResponseEntry,
    /// Required by HAR; empty.
    pub cache: Cache,
    /// Required by HAR.
    pub timings: Timings,
    /// The reason why there is no response, or why its body is truncated.
    #[serde(rename = "_error", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// The cache information that HAR requires; there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Cache {}

/// The parts of the time, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Timings {
    /// The time to send the request; always 0, because it is part of `wait`.
    pub send: f64,
    /// The time to send the request and to wait for the headers.
    pub wait: f64,
    /// The time to read the body.
    pub receive: f64,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestEntry {
    /// The method.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Required by HAR.
    pub http_version: String,
    /// Always empty.
    pub cookies: Vec<NameValue>,
    /// Always empty; the content's type is in `post_data`.
    pub headers: Vec<NameValue>,
    /// The query of the URL, in parts.
    pub query_string: Vec<NameValue>,
    /// The content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_data: Option<PostData>,
    /// -1: not known.
    pub headers_size: i64,
    /// The content's length in bytes.
    pub body_size: i64,
}

/// The content of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PostData {
    /// Its media type.
    pub mime_type: String,
    /// The content as text, in which bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResponseEntry {
    /// The HTTP status, or 0 if there was no response.
    pub status: u16,
    /// The standard text of the status.
    pub status_text: String,
    /// Required by HAR.
    pub http_version: String,
    /// Always empty.
    pub cookies: Vec<NameValue>,
    /// The content type only.
    pub headers: Vec<NameValue>,
    /// The body.
    pub content: ContentEntry,
    /// Required by HAR; empty.
    #[serde(rename = "redirectURL")]
    pub redirect_url: String,
    /// -1: not known.
    pub headers_size: i64,
    /// The number of bytes of the body that the run has read, before scrubbing.
    pub body_size: i64,
}

/// A header, or a part of a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct NameValue {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// The body of a response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContentEntry {
    /// The number of bytes that are recorded.
    pub size: u64,
    /// The media type, or an empty text if the server named none.
    pub mime_type: String,
    /// The body, as text or in base64.
    #[serde(default)]
    pub text: String,
    /// `base64`, if the body is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

impl Run {
    /// The version of this object that this crate writes and reads.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Parses the part of a recording about its run.
    fn read(json: Value) -> Result<Self, RunFault> {
        match json.get("schema_version") {
            Some(version) if *version == Self::SCHEMA_VERSION => {}
            Some(version) => {
                let (found, ours) = (version.to_string(), Self::SCHEMA_VERSION);
                return Err(RunFault::SchemaVersion { found, ours });
            }
            None => return Err(RunFault::NoSchemaVersion),
        }
        let run: Self = strict::read(json).map_err(RunFault::Fields)?;
        if run.window == 0 {
            return Err(RunFault::NoWindow);
        }
        Ok(run)
    }
}

impl Har {
    /// Parses a recording.
    ///
    /// # Errors
    /// Fails if it cannot be replayed by this version.
    pub fn read(json: &[u8]) -> Result<Self, HarError> {
        #[derive(Deserialize)]
        struct Head {
            log: HeadLog,
        }

        #[derive(Deserialize)]
        struct HeadLog {
            version: String,
            creator: Creator,
            #[serde(rename = "_janitor")]
            janitor: Option<Value>,
        }

        #[derive(Deserialize)]
        struct Rest {
            log: RestLog,
        }

        #[derive(Deserialize)]
        struct RestLog {
            entries: Vec<Entry>,
        }

        let Head { log: HeadLog { version, creator, janitor } } =
            strict::json(json).map_err(HarError::NotHar)?;
        let Creator { name, version: made_by } = creator.clone();
        let Some(janitor) = janitor else {
            return Err(HarError::OtherProgram { name, version: made_by });
        };
        let janitor =
            Run::read(janitor).map_err(|why| HarError::Run { why, name, version: made_by })?;
        let Rest { log: RestLog { entries } } =
            serde_json::from_slice(json).map_err(HarError::Damaged)?;
        Ok(Self { log: Log { version, creator, janitor, entries } })
    }

    /// Creates a recording without exchanges.
    pub fn new(janitor: Run) -> Self {
        let creator = Creator { name: "janitor".into(), version: env!("CARGO_PKG_VERSION").into() };
        let log = Log { version: "1.2".into(), creator, janitor, entries: Vec::new() };
        Self { log }
    }
}

impl RequestEntry {
    /// Converts a request to one of these servers.
    pub fn new(request: &Request, endpoints: &Endpoints) -> Self {
        let query = request.query.iter().cloned();
        let query = query.map(|(name, value)| NameValue { name, value });
        let post_data = request.content.as_ref().map(|content| PostData {
            mime_type: content.media_type.clone(),
            text: String::from_utf8_lossy(&content.bytes).into(),
        });
        Self {
            method: request.method.name().into(),
            url: endpoints.url(request),
            http_version: "HTTP/1.1".into(),
            cookies: Vec::new(),
            headers: Vec::new(),
            query_string: query.collect(),
            body_size: size(request.content.as_ref().map_or(0, |content| content.bytes.len())),
            post_data,
            headers_size: -1,
        }
    }

    /// Returns whether a replay treats both as the same request.
    pub fn is(&self, other: &Self) -> bool {
        (&self.method, &self.url, &self.post_data) == (&other.method, &other.url, &other.post_data)
    }
}

impl ResponseEntry {
    /// Creates the entry of a response that has not arrived.
    pub fn none() -> Self {
        Self {
            status: 0,
            status_text: String::new(),
            http_version: "HTTP/1.1".into(),
            cookies: Vec::new(),
            headers: Vec::new(),
            content: ContentEntry::default(),
            redirect_url: String::new(),
            headers_size: -1,
            body_size: -1,
        }
    }

    /// Creates the entry of a response with this body.
    pub fn new(status: u16, content_type: Option<&str>, body: Vec<u8>) -> Self {
        let header = |value: &str| NameValue { name: "Content-Type".into(), value: value.into() };
        let reason = http::StatusCode::from_u16(status).ok();
        let length = body.len();
        let (text, encoding) = match String::from_utf8(body) {
            Ok(text) => (text, None),
            Err(error) => (BASE64.encode(error.as_bytes()), Some("base64".into())),
        };
        Self {
            status,
            status_text: reason.and_then(|it| it.canonical_reason()).unwrap_or_default().into(),
            headers: content_type.map(header).into_iter().collect(),
            content: ContentEntry {
                size: length as u64,
                mime_type: content_type.unwrap_or_default().into(),
                text,
                encoding,
            },
            body_size: size(length),
            ..Self::none()
        }
    }

    /// Returns the content type, if the server named one.
    pub fn content_type(&self) -> Option<&str> {
        let mut headers = self.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case("content-type"));
        header.map(|header| header.value.as_str())
    }
}

impl ContentEntry {
    /// Returns the bytes of the body.
    ///
    /// # Errors
    /// Fails if the recording is damaged.
    pub fn bytes(&self) -> Result<Vec<u8>, EncodingError> {
        match self.encoding.as_deref() {
            None => Ok(self.text.clone().into_bytes()),
            Some("base64") => Ok(BASE64.decode(&self.text)?),
            Some(other) => Err(EncodingError::Unknown(other.into())),
        }
    }
}

/// Converts a length into the number type of HAR.
pub(super) fn size(length: usize) -> i64 {
    length.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_encoding_is_damage() {
        let encoding = Some("gzip".into());
        assert!(ContentEntry { encoding, ..ContentEntry::default() }.bytes().is_err());
    }

    #[test]
    fn every_body_survives() {
        for body in [&b""[..], b"{\"a\":1.0}", b"\xff\x00\xfe", "ü\u{1}".as_bytes()] {
            let entry = ResponseEntry::new(200, Some("application/json"), body.to_vec());
            let json = serde_json::to_string(&entry).unwrap();
            let back: ResponseEntry = serde_json::from_str(&json).unwrap();
            assert_eq!(back.content.bytes().unwrap(), body);
        }
    }
}

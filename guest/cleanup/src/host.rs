//! What a run needs of its surroundings: the imports of `wit/`, as a trait, so
//! that unit tests can stand in for them.

use std::time::Duration;

use janitor_contract::types::{Content, Endpoint, Entry, Error, Event, Level, Method, Request};

/// The surroundings of a run; `wit/http.wit` and `wit/log.wit` say what each
/// function promises.
pub trait Host {
    /// A request on its way.
    type Exchange;
    /// The answer to one.
    type Response: Response;

    /// Starts an exchange and returns at once.
    ///
    /// # Errors
    /// `denied`, when the host does not allow the request.
    fn send(&mut self, request: &Request) -> Result<Self::Exchange, Error>;

    /// Waits for the answer.
    ///
    /// # Errors
    /// When there is none; each case of [`Error`] says why.
    fn finish(&mut self, exchange: Self::Exchange) -> Result<Self::Response, Error>;

    /// How many exchanges may be unfinished at a time.
    fn window(&mut self) -> usize;

    /// Waits. Says whether to go on.
    #[must_use]
    fn pause(&mut self, duration: Duration) -> bool;

    /// How long the run has taken until now.
    fn elapsed(&mut self) -> Duration;

    /// Adds an entry to the log.
    fn log(&mut self, entry: Entry);

    /// Sends one request and waits for the whole answer, which is expected to
    /// be short: what goes beyond [`Answer::LIMIT`] is left out. A body that
    /// breaks off is no error here, because the status says already what
    /// happened.
    ///
    /// # Errors
    /// As [`Host::send`] and [`Host::finish`].
    fn ask(&mut self, request: &Request) -> Result<Answer, Error> {
        let exchange = self.send(request)?;
        self.answer(exchange)
    }

    /// Waits for the whole answer, as [`Host::ask`] does.
    ///
    /// # Errors
    /// As [`Host::finish`].
    fn answer(&mut self, exchange: Self::Exchange) -> Result<Answer, Error> {
        self.answer_within(exchange, Answer::LIMIT)
    }

    /// The same, with another limit for the body, in bytes.
    ///
    /// # Errors
    /// As [`Host::finish`].
    fn answer_within(&mut self, exchange: Self::Exchange, limit: usize) -> Result<Answer, Error> {
        let mut response = self.finish(exchange)?;
        let mut answer = Answer { status: response.status(), body: Vec::new(), error: None };
        while answer.body.len() < limit {
            match response.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => break,
                Ok(chunk) => answer.body.extend(chunk),
                Err(error) => {
                    answer.error = Some(error);
                    break;
                }
            }
        }
        answer.body.truncate(limit);
        Ok(answer)
    }

    /// Logs a line; what a server has said in it cannot make it two.
    fn say(&mut self, level: Level, message: impl AsRef<str>, event: Option<Event>) {
        self.log(Entry { level, message: one_line(message.as_ref()), event });
    }
}

/// How many bytes of a body are asked for at a time. Large enough that crossing
/// the sandbox's border costs little, small enough not to matter in memory.
pub const CHUNK: u32 = 64 * 1024;

/// A host that is watched for the wish to end the run.
pub struct Watched<'a, H> {
    host: &'a mut H,
    /// Whether the wish has been told.
    pub stopped: bool,
}

impl<'a, H> Watched<'a, H> {
    /// Watches a host.
    pub fn new(host: &'a mut H) -> Self {
        Self { host, stopped: false }
    }
}

impl<H: Host> Host for Watched<'_, H> {
    type Exchange = H::Exchange;
    type Response = H::Response;

    fn send(&mut self, request: &Request) -> Result<H::Exchange, Error> {
        self.host.send(request).inspect_err(|error| self.stopped |= *error == Error::Stopped)
    }

    fn finish(&mut self, exchange: H::Exchange) -> Result<H::Response, Error> {
        self.host.finish(exchange)
    }

    fn window(&mut self) -> usize {
        self.host.window()
    }

    fn pause(&mut self, duration: Duration) -> bool {
        let goes_on = self.host.pause(duration);
        self.stopped |= !goes_on;
        goes_on
    }

    fn elapsed(&mut self) -> Duration {
        self.host.elapsed()
    }

    fn log(&mut self, entry: Entry) {
        self.host.log(entry);
    }
}

/// An answer whose body has not been read yet.
pub trait Response {
    /// The HTTP status.
    fn status(&self) -> u16;

    /// The next piece of the body, at most `limit` bytes; empty at its end.
    ///
    /// # Errors
    /// When the body breaks off.
    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error>;
}

/// An answer with the body that came along.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, or the beginning of one that is too long.
    pub body: Vec<u8>,
    /// Why the body breaks off, if it does.
    pub error: Option<Error>,
}

impl Answer {
    /// The most that is kept of a body, in bytes.
    pub const LIMIT: usize = 64 * 1024;

    /// Whether the server did what it was asked to. Mesos says 200 before 1.0
    /// and 202 since; both are successes.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as one line that fits into a message.
    pub fn text(&self) -> String {
        excerpt(&self.body)
    }

    /// Status and body, for a message.
    pub fn summary(&self) -> String {
        summary(self.status, &self.body)
    }
}

/// A length as the contract counts.
pub fn count(length: usize) -> u32 {
    length.try_into().unwrap_or(u32::MAX)
}

/// A text without line breaks.
pub fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// A status and the beginning of a body, for a message.
pub fn summary(status: u16, body: &[u8]) -> String {
    format!("{status} {}", excerpt(body)).trim_end().to_owned()
}

/// The beginning of a body as one line, for a message; of an HTML page, its title.
pub fn excerpt(body: &[u8]) -> String {
    const LENGTH: usize = 500;
    let text = String::from_utf8_lossy(body);
    let text = match title(&text) {
        Some(title) => format!("(a page: {title})").into(),
        None => text,
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// The title of an HTML page; of a page without one, its first heading.
fn title(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let is_html = ["<!doctype html", "<html", "<head"].iter().any(|it| lower.contains(it));
    let content = |tag: &str| {
        let start = lower.find(&format!("<{tag}>"))? + tag.len() + 2;
        let end = start + lower[start..].find(&format!("</{tag}>"))?;
        Some(text[start..end].trim()).filter(|it| !it.is_empty())
    };
    is_html.then(|| content("title").or_else(|| content("h1")))?
}

/// A request without content.
pub fn request(endpoint: Endpoint, method: Method, path: Vec<String>) -> Request {
    Request { endpoint, method, path, query: Vec::new(), content: None }
}

/// A `POST` of form fields to one of the master's operator endpoints.
pub fn form(path: &str, fields: &[(&str, &str)]) -> Request {
    let bytes = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Request {
        content: Some(Content {
            media_type: "application/x-www-form-urlencoded".into(),
            bytes: bytes.into_bytes(),
        }),
        ..request(Endpoint::Master, Method::Post, vec![path.into()])
    }
}

/// A call of the master's v1 API that only tells something.
pub fn v1(call: &str) -> Request {
    Request {
        content: Some(Content {
            media_type: "application/json".into(),
            bytes: format!(r#"{{"type":"{call}"}}"#).into_bytes(),
        }),
        ..request(Endpoint::Master, Method::Post, vec!["api".into(), "v1".into()])
    }
}

/// Whether what kept a request from being carried out may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passes {
    /// It stays as it is until somebody changes something.
    No,
    /// Soon, or not at all: a connection that is refused or breaks, or a race with
    /// the master's allocator (409).
    Soon,
    /// When a server is ready: a master is elected, a proxy reaches what is behind it.
    WhenReady,
}

impl Passes {
    /// Whether the same request may be answered otherwise a moment later.
    pub fn of_status(status: u16) -> Self {
        match status {
            409 => Self::Soon,
            // A 307 that the host did not follow is of a master that has lost the lead.
            307 | 502 | 503 | 504 => Self::WhenReady,
            _ => Self::No,
        }
    }

    /// Whether the same request may get an answer a moment later.
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::Connect(_) | Error::Reset => Self::Soon,
            _ => Self::No,
        }
    }
}

/// Longer and longer pauses, until a time is over on the host's clock.
pub struct Patience {
    end: Duration,
    next: Duration,
}

impl Patience {
    /// Begins to wait, for this long.
    pub fn new<H: Host>(host: &mut H, time: Duration) -> Self {
        Self { end: host.elapsed() + time, next: Duration::from_millis(100) }
    }

    /// Waits, and says whether to try again: not when the time is over, or the run is to
    /// end.
    #[must_use]
    pub fn wait<H: Host>(&mut self, host: &mut H) -> bool {
        const LONGEST: Duration = Duration::from_secs(2);
        let rest = self.end.saturating_sub(host.elapsed());
        let pause = self.next.min(rest);
        self.next = (self.next * 2).min(LONGEST);
        // The contract counts in milliseconds.
        pause >= Duration::from_millis(1) && host.pause(pause)
    }
}

/// How often and how long to try again what may pass.
pub struct Retries {
    short: std::array::IntoIter<u64, 3>,
    long: Patience,
}

impl Retries {
    /// Begins to try; what needs a server that is ready is waited for this long.
    pub fn new<H: Host>(host: &mut H, time: Duration) -> Self {
        Self { short: [100, 200, 400].into_iter(), long: Patience::new(host, time) }
    }

    /// Waits, and says whether to try again.
    #[must_use]
    pub fn wait<H: Host>(&mut self, host: &mut H, passes: Passes) -> bool {
        match passes {
            Passes::No => false,
            Passes::Soon => {
                let pause = self.short.next().map(Duration::from_millis);
                pause.is_some_and(|pause| host.pause(pause))
            }
            Passes::WhenReady => self.long.wait(host),
        }
    }
}

/// Why there was no answer, in words that follow the name of a server.
pub fn explain(endpoint: Endpoint, error: &Error) -> String {
    let server = match endpoint {
        Endpoint::Master | Endpoint::MasterRoot => "the Mesos master",
        Endpoint::Exhibitor => "Exhibitor",
        Endpoint::Marathon | Endpoint::MarathonPods => "Marathon",
    };
    error.of(server)
}

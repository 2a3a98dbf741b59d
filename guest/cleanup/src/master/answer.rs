//! One request to the master, and its answer, which is read as JSON.

use crate::excerpt::{excerpt, summary};
use crate::host::{Host, Response, request};
use crate::master::NAME;
use crate::master::json::{Bad, Json};
use crate::retry::{Retries, Retry};
use janitor_contract::types::{Endpoint, Error, Method, Request};

/// An answer that could not be read.
#[derive(Clone, Debug)]
pub struct Unread {
    /// The prospects of another try.
    pub retry: Retry,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// One sentence for the person who runs the cleanup.
    pub message: String,
    /// This is set when nothing was sent, because the host has asked the run to stop.
    pub is_stopped: bool,
}

impl Unread {
    /// Describes an answer with this status that is not what it should be.
    pub(super) fn bad(path: &str, status: u16, Bad(why): Bad) -> Self {
        Self {
            retry: Retry::of_status(status),
            status: Some(status),
            message: format!("Bad {path} response: {why}"),
            is_stopped: false,
        }
    }
}

/// The answer to a request for a page with which the lists of a master are compared.
#[derive(Debug)]
pub enum Page<T> {
    /// The page has this content.
    Says(T),
    /// The server does not have the page: the master is an old one, or a proxy does not
    /// pass the page on.
    Missing,
    /// The page could not be read.
    Unknown(Unread),
}

/// Asks the master for the page at `path`.
///
/// # Errors
/// Fails if the master cannot be reached, refuses, or answers with something else.
pub fn get<H: Host, T>(
    host: &mut H,
    path: &str,
    take: impl FnOnce(&mut Json<H::Response>) -> Result<T, Bad>,
) -> Result<T, Unread> {
    read(host, &request(Endpoint::Master, Method::Get, vec![path.into()]), take)
}

/// Asks a master for a page, and tries again where that may help.
pub fn page<H: Host, T>(
    host: &mut H,
    request: &Request,
    retries: &mut Retries,
    mut take: impl FnMut(&mut Json<H::Response>) -> Result<T, Bad>,
) -> Page<T> {
    loop {
        match read(host, request, &mut take) {
            Ok(value) => {
                host.know(request);
                return Page::Says(value);
            }
            Err(Unread { status: Some(404), .. }) if !host.knows(request) => return Page::Missing,
            Err(unread) if retries.wait(host, unread.retry) => {}
            Err(unread) => return Page::Unknown(unread),
        }
    }
}

/// Sends a request to the master and reads the answer.
fn read<H: Host, T>(
    host: &mut H,
    request: &Request,
    take: impl FnOnce(&mut Json<H::Response>) -> Result<T, Bad>,
) -> Result<T, Unread> {
    let sent = host.send(request);
    finish(host, &request.path, sent, take)
}

/// Reads the answer to a request for the page at `path` that was sent before.
///
/// # Errors
/// Fails if the master cannot be reached, refuses, or answers with something else.
pub fn finish<H: Host, T>(
    host: &mut H,
    path: &[String],
    sent: Result<H::Exchange, Error>,
    take: impl FnOnce(&mut Json<H::Response>) -> Result<T, Bad>,
) -> Result<T, Unread> {
    let path = path.join("/");
    let network = |error: &Error| Unread {
        retry: Retry::of_error(error),
        status: None,
        message: format!("Network error: {}.", error.of(NAME)),
        is_stopped: false,
    };
    let exchange =
        sent.map_err(|error| Unread { is_stopped: error == Error::Stopped, ..network(&error) })?;
    let response = host.finish(exchange).map_err(|error| network(&error))?;
    let status = response.status();
    let bad = |why| Unread::bad(&path, status, Bad(why));
    let mut json = Json::new(response);
    let start = json.start().to_vec();
    if status != 200 {
        let hint = match status {
            401 => ": it requires valid credentials",
            403 => ": this user is not allowed to view this",
            307 => {
                ": it is not leading; name the URL of the leading master, or the URLs of all masters"
            }
            _ => "",
        };
        let answer = summary(status, &start);
        return Err(bad(format!("{NAME} answers {answer}{hint}")));
    }
    let value = take(&mut json).and_then(|value| json.end().map(|()| value));
    match (value, json.error()) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(error)) => Err(network(error)),
        (Err(Bad(why)), None) => match excerpt(&start) {
            // JSON may hold a secret, so only another page is quoted.
            start if start.starts_with(['{', '[']) => Err(bad(why)),
            start => Err(bad(format!("{why}. It begins: {start}"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Script;

    fn unread(mut host: Script) -> Unread {
        get(&mut host, "x", |json| json.object(|json, _| json.skip())).unwrap_err()
    }

    #[test]
    fn what_a_status_means_is_explained() {
        for (status, end) in [
            (307, "or the URLs of all masters"),
            (401, "answers 401 no: it requires valid credentials"),
            (403, "answers 403 no: this user is not allowed to view this"),
            (500, "answers 500 no"),
        ] {
            let unread = unread(Script::default().answer(status, "no"));
            assert!(unread.message.ends_with(end), "{}", unread.message);
            assert_eq!((unread.status, unread.is_stopped), (Some(status), false));
        }
    }

    #[test]
    fn only_a_page_without_json_is_quoted() {
        for (body, is_quoted) in [("Log in", true), (r#"{"a":hush"#, false), ("[\"hush\"]", false)]
        {
            let why = unread(Script::default().answer(200, body)).message;
            assert_eq!(why.contains("It begins: Log in"), is_quoted, "{why}");
            assert!(!why.contains("hush"), "{why}");
        }
    }

    #[test]
    fn a_page_is_asked_for_again_once_the_server_is_ready() {
        let wanted = request(Endpoint::Master, Method::Get, vec!["x".into()]);
        for (seconds, is_read) in [(3, true), (0, false)] {
            let mut host = Script::default().answer(503, "").answer(200, "{}");
            let mut retries = Retries::new(&mut host, Duration::from_secs(seconds));
            let found = page(&mut host, &wanted, &mut retries, |json| json.object(|_, _| Ok(())));
            assert_eq!(matches!(found, Page::Says(())), is_read, "{found:?}");
        }
    }

    #[test]
    fn only_a_request_that_was_not_sent_is_stopped() {
        for (error, is_stopped) in [(Error::Stopped, true), (Error::Timeout, false)] {
            let unread = unread(Script::default().fails(error));
            assert_eq!((unread.status, unread.is_stopped), (None, is_stopped));
        }
    }
}

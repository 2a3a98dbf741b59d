//! The servers, through `wasi:http/outgoing-handler`.

use std::cell::RefCell;
use std::rc::Rc;

use wasip2::clocks::monotonic_clock::{self, subscribe_duration, subscribe_instant};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method as Verb,
    OutgoingBody, OutgoingRequest, RequestOptions, http_error_code,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, StreamError};

use crate::Adapter;
use crate::bindings::log;
use crate::error::meaning;
use crate::run::{self, Run, SECOND};
use janitor_contract::answer::final_status;
use janitor_contract::endpoint::location_without_secrets;
use janitor_contract::types::{Entry, Error, Level, Method, Request};
use janitor_gate::Cluster;

/// A millisecond in the units of WASI's clocks.
const MILLISECOND: u64 = SECOND / 1_000;
/// The time limit for establishing a connection.
const CONNECT: u64 = 10 * SECOND;
/// The time limit from a request to the headers of its response, and between two parts of a body.
const ANSWER: u64 = 60 * SECOND;
/// The limit for one response's body, in bytes.
const RESPONSE_BYTES: u64 = 1 << 30;

/// A request in flight, or the error that it failed with.
pub struct Exchange {
    answer: Option<Result<FutureIncomingResponse, Error>>,
    run: Rc<Run>,
}

/// A response.
pub struct Response {
    status: u16,
    body: RefCell<Body>,
    run: Rc<Run>,
}

/// The unread part of a response's body.
struct Body {
    // The fields are dropped in this order: WASI requires that a stream is dropped before its
    // parent.
    stream: Option<InputStream>,
    _whole: Option<IncomingBody>,
    _response: IncomingResponse,
    /// The bytes that may still be read.
    budget: u64,
    /// The error that every further read returns.
    broken: Option<Error>,
}

impl Cluster for Adapter {
    type Exchange = Exchange;
    type Response = Response;

    fn begin() -> Result<(), String> {
        #[cfg(feature = "stream")]
        crate::output::begin();
        run::begin()
    }

    fn end() {
        run::end();
    }

    fn send(request: &Request) -> Result<Exchange, Error> {
        let run = run::current().ok_or_else(|| Error::Denied("a request outside a call".into()))?;
        let settings = &run.settings;
        if run.in_flight.get() >= settings.window {
            let rule = format!("more than {} exchanges in flight", settings.window);
            return Err(Error::Denied(rule));
        }
        let now = monotonic_clock::now();
        if now >= run.end && !matches!(request.method, Method::Get) {
            let seconds = settings.run_seconds;
            say(Level::Warn, format!("The run was cancelled: its time limit is {seconds} s."));
            return Err(Error::Stopped);
        }
        let url = request.url(&settings.address(request.endpoint).base);
        say(Level::Debug, format!("HTTP {}: {url}", request.method.name()));
        if let Some(content) = &request.content {
            let data = String::from_utf8_lossy(&content.bytes);
            say(Level::Debug, format!("Request data: {data}"));
        }
        run.in_flight.set(run.in_flight.get() + 1);
        let answer = match now < run.last {
            true => start(&run, request).map_err(meaning),
            false => Err(Error::Timeout),
        };
        Ok(Exchange { answer: Some(answer), run })
    }

    fn finish(mut exchange: Exchange) -> Result<Response, Error> {
        let run = exchange.run.clone();
        let answer = match exchange.answer.take() {
            Some(Ok(future)) => wait(&run, &future),
            Some(Err(error)) => Err(error),
            None => Err(Error::Internal("the exchange is already finished".into())),
        };
        let answer = answer.and_then(|response| final_status(response.status()).map(|()| response));
        match answer {
            Ok(response) => Ok(Response::new(response, run)),
            Err(error) => {
                run.free();
                Err(error)
            }
        }
    }

    fn status(response: &Response) -> u16 {
        response.status
    }

    fn read(response: &Response, limit: u32) -> Result<Vec<u8>, Error> {
        let mut body = response.body.borrow_mut();
        let read = match &body.broken {
            Some(error) => Err(error.clone()),
            None => body.read(&response.run, limit),
        };
        body.broken = read.as_ref().err().cloned();
        read
    }

    fn window() -> u32 {
        run::current().map_or(1, |run| run.settings.window)
    }

    fn pause(milliseconds: u32) -> bool {
        let desired = u64::from(milliseconds) * MILLISECOND;
        let end = run::current().map_or(0, |run| run.end);
        let left = end.saturating_sub(monotonic_clock::now());
        subscribe_duration(desired.min(left)).block();
        left > 0
    }

    fn elapsed() -> u64 {
        run::current().map_or(0, |run| (monotonic_clock::now() - run.begin) / MILLISECOND)
    }

    fn log(entry: &Entry) {
        #[cfg(feature = "stream")]
        <Adapter as log::Guest>::write(entry.clone());
        #[cfg(not(feature = "stream"))]
        log::write(entry);
    }
}

/// Logs a line of the adapter's own.
fn say(level: Level, message: String) {
    Adapter::log(&Entry { level, message, event: None });
}

/// Sends a request. It waits for room for the request's content, but not for the response.
fn start(run: &Run, request: &Request) -> Result<FutureIncomingResponse, ErrorCode> {
    let address = run.settings.address(request.endpoint);
    let content = request.content.as_ref();
    let wrong = |what: &str| ErrorCode::InternalError(Some(format!("the runtime rejects {what}")));
    let fields = Fields::new();
    let header = |name: &str, value: &str| {
        fields.append(name, value.as_bytes()).map_err(|_| wrong(&format!("the header {name}")))
    };
    header("user-agent", concat!("janitor/", env!("CARGO_PKG_VERSION")))?;
    if let Some(authorization) = &run.settings.authorization {
        header("authorization", authorization)?;
    }
    if let Some(content) = content {
        header("content-type", &content.media_type)?;
        header("content-length", &content.bytes.len().to_string())?;
    }
    let outgoing = OutgoingRequest::new(fields);
    let verb = match request.method {
        Method::Get => Verb::Get,
        Method::Post => Verb::Post,
        Method::Delete => Verb::Delete,
    };
    let target = request.url(&address.path);
    outgoing.set_method(&verb).map_err(|()| wrong("the method"))?;
    outgoing.set_scheme(Some(&address.scheme)).map_err(|()| wrong("the scheme"))?;
    outgoing.set_authority(Some(&address.authority)).map_err(|()| wrong("the host"))?;
    outgoing.set_path_with_query(Some(&target)).map_err(|()| wrong("the path"))?;
    let options = RequestOptions::new();
    // A runtime that does not support these limits applies its own.
    let _ = options.set_connect_timeout(Some(CONNECT));
    let _ = options.set_first_byte_timeout(Some(ANSWER));
    let _ = options.set_between_bytes_timeout(Some(ANSWER));
    let body = match content {
        Some(_) => Some(outgoing.body().map_err(|()| wrong("a body"))?),
        None => None,
    };
    let answer = handle(outgoing, Some(options))?;
    if let (Some(body), Some(content)) = (body, content) {
        // If writing fails, the response reports it too.
        if write(run, &body, &content.bytes).is_some() {
            OutgoingBody::finish(body, None)?;
        }
    }
    Ok(answer)
}

/// Writes the whole body, or returns `None`.
fn write(run: &Run, body: &OutgoingBody, mut bytes: &[u8]) -> Option<()> {
    let stream = body.write().ok()?;
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write().ok()?).unwrap_or(usize::MAX);
        if room == 0 {
            ready(run, &stream.subscribe()).ok()?;
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now).ok()?;
        bytes = later;
    }
    Some(())
}

impl Drop for Exchange {
    /// Lets the request continue in the background, where it keeps its slot in the window.
    fn drop(&mut self) {
        if let Some(Ok(future)) = self.answer.take() {
            self.run.forgotten.borrow_mut().push(future);
        }
    }
}

/// Waits for the headers of the response.
fn wait(run: &Run, future: &FutureIncomingResponse) -> Result<IncomingResponse, Error> {
    loop {
        match future.get() {
            Some(Ok(Ok(response))) => return Ok(response),
            Some(Ok(Err(code))) => return Err(meaning(code)),
            Some(Err(())) => return Err(Error::Internal("the response was already taken".into())),
            None => ready(run, &future.subscribe())?,
        }
    }
}

/// Waits until something is ready or the run is over.
fn ready(run: &Run, it: &Pollable) -> Result<(), Error> {
    poll(&[it, &subscribe_instant(run.last)]);
    // The clock is checked even when `it` is always ready, so that no server can hold the run for
    // ever.
    if monotonic_clock::now() < run.last { Ok(()) } else { Err(Error::Timeout) }
}

impl Response {
    fn new(response: IncomingResponse, run: Rc<Run>) -> Self {
        let status = response.status();
        if (300..400).contains(&status) {
            log_redirect(&response);
        }
        let whole = response.consume().ok();
        let stream = whole.as_ref().and_then(|body| body.stream().ok());
        let budget = RESPONSE_BYTES;
        let body = Body { stream, _whole: whole, _response: response, budget, broken: None };
        Self { status, body: RefCell::new(body), run }
    }
}

/// Logs the target of a redirect to help the operator; it is not followed.
fn log_redirect(response: &IncomingResponse) {
    let locations = response.headers().get("location");
    if let Some(location) = locations.first() {
        let target = location_without_secrets(location);
        let target = target.map(|it| format!(" to {it}")).unwrap_or_default();
        say(Level::Warn, format!("A redirect{target} was not followed."));
    }
}

impl Body {
    fn read(&mut self, run: &Run, limit: u32) -> Result<Vec<u8>, Error> {
        let Some(stream) = &self.stream else {
            return Err(Error::Internal("the runtime provides no body".into()));
        };
        if limit == 0 {
            return Err(Error::Internal("a read must request at least one byte".into()));
        }
        loop {
            ready(run, &stream.subscribe())?;
            match stream.read(limit.into()) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    let rest = self.budget.checked_sub(bytes.len() as u64);
                    self.budget = rest.ok_or(Error::TooLarge(RESPONSE_BYTES))?;
                    return Ok(bytes);
                }
                Err(StreamError::Closed) => return Ok(Vec::new()),
                Err(StreamError::LastOperationFailed(why)) => {
                    return Err(http_error_code(&why).map_or(Error::Reset, meaning));
                }
            }
        }
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        self.run.free();
    }
}

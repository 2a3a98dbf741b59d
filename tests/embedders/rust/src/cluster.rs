//! The component's import `cluster`: every exchange is a task.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use wasmtime::component::Resource;

use crate::bindings::janitor::cleanup::cluster::{Host, HostExchange, HostResponse};
use crate::bindings::janitor::cleanup::types::{Endpoint, Error, Method, Request};
use crate::{Arguments, Run};

/// A request in flight.
pub struct Exchange(JoinHandle<Result<Response, Error>>);

/// A response, whose body arrives while it is read.
pub struct Response {
    status: u16,
    body: Incoming,
    /// The bytes that have arrived and were not read.
    rest: Bytes,
    failure: Option<Error>,
    /// The right to the exchange, which others wait for.
    _place: OwnedSemaphorePermit,
}

/// The most exchanges at once.
pub const WINDOW: u32 = 32;

impl Host for Run {
    async fn send(
        &mut self,
        request: Request,
    ) -> wasmtime::Result<Result<Resource<Exchange>, Error>> {
        if self.in_flight == WINDOW {
            return Ok(Err(Error::Denied("too many exchanges".into())));
        }
        self.in_flight += 1;
        let place = self.exchanges.clone().acquire_owned();
        let url = self.arguments.url(&request);
        let exchange = tokio::spawn(async move {
            let place = place.await.map_err(|why| Error::Internal(why.to_string()))?;
            exchange(url, request, place).await
        });
        Ok(Ok(self.table.push(Exchange(exchange))?))
    }

    async fn window(&mut self) -> wasmtime::Result<u32> {
        Ok(WINDOW)
    }

    async fn pause(&mut self, milliseconds: u32) -> wasmtime::Result<bool> {
        sleep(Duration::from_millis(milliseconds.into())).await;
        Ok(true)
    }

    async fn elapsed(&mut self) -> wasmtime::Result<u64> {
        Ok(self.start.elapsed().as_millis().try_into()?)
    }
}

impl HostExchange for Run {
    async fn finish(
        &mut self,
        exchange: Resource<Exchange>,
    ) -> wasmtime::Result<Result<Resource<Response>, Error>> {
        match self.table.delete(exchange)?.0.await? {
            Ok(response) => Ok(Ok(self.table.push(response)?)),
            Err(error) => {
                self.in_flight -= 1;
                Ok(Err(error))
            }
        }
    }

    /// The task continues.
    async fn drop(&mut self, exchange: Resource<Exchange>) -> wasmtime::Result<()> {
        self.table.delete(exchange)?;
        Ok(())
    }
}

impl HostResponse for Run {
    async fn status(&mut self, response: Resource<Response>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&response)?.status)
    }

    async fn read(
        &mut self,
        response: Resource<Response>,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        wasmtime::ensure!(limit > 0, "the component reads nothing");
        let Response { body, rest, failure, .. } = self.table.get_mut(&response)?;
        while rest.is_empty() && failure.is_none() {
            match timeout(ANSWER, body.frame()).await {
                Ok(Some(Ok(frame))) => *rest = frame.into_data().unwrap_or_default(),
                Ok(Some(Err(why))) => *failure = Some(failed(&why)),
                Ok(None) => return Ok(Ok(vec![])),
                Err(_) => *failure = Some(Error::Timeout),
            }
        }
        match failure {
            Some(error) if rest.is_empty() => Ok(Err(error.clone())),
            _ => Ok(Ok(rest.split_to(rest.len().min(limit as usize)).into())),
        }
    }

    async fn drop(&mut self, response: Resource<Response>) -> wasmtime::Result<()> {
        self.table.delete(response)?;
        self.in_flight -= 1;
        Ok(())
    }
}

/// The time to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// The time to wait for a response, and for each piece of its body.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends a request once, and waits for the status and the headers of the response.
async fn exchange(
    url: String,
    request: Request,
    place: OwnedSemaphorePermit,
) -> Result<Response, Error> {
    let internal = |why: &dyn std::error::Error| Error::Internal(why.to_string());
    let url: hyper::Uri = url.parse().map_err(|why| internal(&why))?;
    if url.scheme_str() != Some("http") {
        return Err(Error::Internal("this host sends requests over plain HTTP only".into()));
    }
    let host = url.host().unwrap_or_default();
    let addresses = timeout(CONNECT, lookup_host((host, url.port_u16().unwrap_or(80)))).await;
    let addresses: Vec<_> = match addresses {
        Ok(Ok(addresses)) => addresses.collect(),
        _ => return Err(Error::Dns),
    };
    let stream = timeout(CONNECT, TcpStream::connect(&*addresses)).await;
    let stream = stream.map_err(|_| Error::Connect("no connection in time".into()))?;
    let stream = stream.map_err(|why| Error::Connect(why.kind().to_string()))?;
    let connection = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(|why| failed(&why))?;
    tokio::spawn(connection);

    let (method, path) =
        (method(request.method), url.path_and_query().map_or("/", |it| it.as_str()));
    let authority = url.authority().map_or("", |it| it.as_str());
    let mut message = hyper::Request::builder().method(method).uri(path).header(HOST, authority);
    let mut body = Bytes::new();
    if let Some(content) = request.content {
        message = message.header(CONTENT_TYPE, content.media_type);
        body = content.bytes.into();
    }
    let message = message.body(Full::new(body)).map_err(|why| internal(&why))?;
    let response = timeout(ANSWER, sender.send_request(message)).await;
    let response = response.map_err(|_| Error::Timeout)?.map_err(|why| failed(&why))?;
    let status = response.status().as_u16();
    let body = response.into_body();
    Ok(Response { status, body, rest: Bytes::new(), failure: None, _place: place })
}

/// Maps an error of the client to one of the contract.
fn failed(error: &hyper::Error) -> Error {
    match error.is_parse() {
        true => Error::Protocol(error.to_string()),
        false => Error::Reset,
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Delete => "DELETE",
    }
}

impl Arguments {
    /// Returns the URL of a request. Redirects are not followed, so one server answers both
    /// endpoints of the master.
    fn url(&self, request: &Request) -> String {
        let pods = self.marathon_url.strip_suffix("apps/").map(|base| format!("{base}pods/"));
        let base = match request.endpoint {
            Endpoint::Master => &self.master_url,
            Endpoint::MasterRoot => {
                self.master_url.strip_suffix("master/").unwrap_or(&self.master_url)
            }
            Endpoint::Exhibitor => &self.exhibitor_url,
            Endpoint::Marathon => &self.marathon_url,
            Endpoint::MarathonPods => pods.as_deref().unwrap_or(&self.marathon_url),
        };
        let path: Vec<_> = request.path.iter().map(|segment| encode(segment)).collect();
        let pair = |(name, value): &(String, String)| format!("{}={}", encode(name), encode(value));
        let query: Vec<_> = request.query.iter().map(pair).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{base}{}{mark}{}", path.join("/"), query.join("&"))
    }
}

/// Percent-encodes everything except RFC 3986's unreserved characters and parentheses.
fn encode(text: &str) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'(')
        .remove(b')');
    utf8_percent_encode(text, ENCODED).to_string()
}

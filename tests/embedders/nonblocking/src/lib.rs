//! An async transport over hyper and tokio: one connection for each exchange.

use std::time::Duration;

use futures_util::stream;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use janitor_host::{AsyncResponse, AsyncTransport, BoxFuture, Bytes, Endpoints, Error, Request};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

/// Sends requests over plain HTTP, without credentials.
pub struct Client {
    endpoints: Endpoints,
}

impl Client {
    /// Creates a client of these servers.
    pub fn new(endpoints: Endpoints) -> Self {
        Self { endpoints }
    }
}

impl AsyncTransport for Client {
    fn endpoints(&self) -> Option<&Endpoints> {
        Some(&self.endpoints)
    }

    fn send(&mut self, request: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>> {
        Box::pin(exchange(self.endpoints.url(&request), request))
    }

    fn spawn(&mut self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn pause(&mut self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(duration))
    }
}

/// The time to look up a server, and the time to connect to it.
const CONNECT: Duration = Duration::from_secs(10);

/// The time to wait for a response, and for each piece of its body.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends a request, and waits for the status and the headers of the response.
async fn exchange(url: String, request: Request) -> Result<AsyncResponse, Error> {
    let url: hyper::Uri = url.parse().map_err(|why| Error::Internal(format!("{why}")))?;
    let server = url.authority().ok_or_else(|| Error::Internal("a URL without a server".into()))?;
    if url.scheme_str() != Some("http") {
        return Err(Error::Internal("this client sends requests over plain HTTP only".into()));
    }
    let port = server.port_u16().unwrap_or(80);
    let addresses: Vec<_> = match timeout(CONNECT, lookup_host((server.host(), port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        _ => return Err(Error::Dns),
    };
    let stream = timeout(CONNECT, TcpStream::connect(&*addresses)).await;
    let stream =
        stream.map_err(|_| Error::Connect("no connection within the time limit".into()))?;
    let stream = stream.map_err(|why| Error::Connect(why.kind().to_string()))?;
    let connection = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(|_| Error::Reset)?;
    tokio::spawn(connection);

    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut message = hyper::Request::builder()
        .method(request.method.name())
        .uri(path)
        .header(HOST, server.as_str());
    let mut body = Bytes::new();
    if let Some(content) = request.content {
        message = message.header(CONTENT_TYPE, content.media_type);
        body = content.bytes.into();
    }
    let message = message.body(Full::new(body)).map_err(|why| Error::Internal(format!("{why}")))?;
    let response = timeout(ANSWER, sender.send_request(message)).await;
    let response = response.map_err(|_| Error::Timeout)?.map_err(|why| failure(&why))?;
    let status = response.status().as_u16();
    let body = stream::try_unfold(response.into_body(), |mut body| async {
        let frame = timeout(ANSWER, body.frame()).await.map_err(|_| Error::Timeout)?;
        let frame = frame.transpose().map_err(|why| failure(&why))?;
        Ok(frame.map(|frame| (frame.into_data().unwrap_or_default(), body)))
    });
    Ok(AsyncResponse::new(status, body))
}

/// Maps an error of the client to one of the contract.
fn failure(error: &hyper::Error) -> Error {
    match error.is_parse() {
        true => Error::Protocol(error.to_string()),
        false => Error::Reset,
    }
}

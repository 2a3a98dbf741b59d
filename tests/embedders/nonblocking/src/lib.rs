//! An async transport over hyper and tokio, which keeps its connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use janitor_host::{AsyncResponse, AsyncTransport, BoxFuture, Bytes, Endpoints, Error, Request};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

/// Sends requests over plain HTTP, without credentials. Clones share connections.
#[derive(Clone)]
pub struct Client {
    endpoints: Endpoints,
    idle: Idle,
}

impl Client {
    /// Creates a client of these servers.
    pub fn new(endpoints: Endpoints) -> Self {
        Self { endpoints, idle: Idle::default() }
    }
}

impl AsyncTransport for Client {
    fn endpoints(&self) -> Option<&Endpoints> {
        Some(&self.endpoints)
    }

    fn send(&mut self, request: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>> {
        Box::pin(exchange(self.idle.clone(), self.endpoints.url(&request), request))
    }

    fn spawn(&mut self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn pause(&mut self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(duration))
    }
}

/// A connection that is ready for a request.
type Connection = http1::SendRequest<Full<Bytes>>;

/// The connections that are not in use, by their servers.
#[derive(Clone, Default)]
struct Idle(Arc<Mutex<HashMap<String, Vec<Connection>>>>);

impl Idle {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Vec<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection to a server that was used last.
    fn take(&self, server: &str) -> Option<Connection> {
        self.all().get_mut(server)?.pop()
    }

    /// Keeps a connection whose last response has been read, unless it is closed.
    async fn keep(&self, server: String, mut connection: Connection) {
        if connection.ready().await.is_ok() {
            self.all().entry(server).or_default().push(connection);
        }
    }
}

/// The time to look up a server, and the time to connect to it.
const CONNECT: Duration = Duration::from_secs(10);

/// The time to wait for a response, and for each piece of its body.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends a request, and waits for the status and the headers of the response.
async fn exchange(idle: Idle, url: String, request: Request) -> Result<AsyncResponse, Error> {
    let url: hyper::Uri = url.parse().map_err(|why| Error::Internal(format!("{why}")))?;
    let server = url.authority().ok_or_else(|| Error::Internal("a URL without a server".into()))?;
    if url.scheme_str() != Some("http") {
        return Err(Error::Internal("this client sends requests over plain HTTP only".into()));
    }
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
    let mut message =
        message.body(Full::new(body)).map_err(|why| Error::Internal(format!("{why}")))?;
    let (response, connection) = loop {
        let kept = idle.take(server.as_str());
        let is_kept = kept.is_some();
        let mut connection = match kept {
            Some(connection) => connection,
            None => connect(server.host(), server.port_u16().unwrap_or(80)).await?,
        };
        let sent = timeout(ANSWER, connection.try_send_request(message)).await;
        match sent.map_err(|_| Error::Timeout)? {
            Ok(response) => break (response, connection),
            // The server closed the connection before anything was sent over it.
            Err(mut error) => match error.take_message().filter(|_| is_kept) {
                Some(unsent) => message = unsent,
                None => return Err(failure(error.error())),
            },
        }
    };
    let status = response.status().as_u16();
    let place = (idle, server.to_string(), connection);
    let body = stream::try_unfold((response.into_body(), place), |(mut body, place)| async {
        let frame = timeout(ANSWER, body.frame()).await.map_err(|_| Error::Timeout)?;
        match frame.transpose().map_err(|why| failure(&why))? {
            Some(frame) => Ok(Some((frame.into_data().unwrap_or_default(), (body, place)))),
            None => {
                let (idle, server, connection) = place;
                idle.keep(server, connection).await;
                Ok(None)
            }
        }
    });
    Ok(AsyncResponse::new(status, body))
}

/// Connects to a server.
async fn connect(host: &str, port: u16) -> Result<Connection, Error> {
    let addresses: Vec<_> = match timeout(CONNECT, lookup_host((host, port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        _ => return Err(Error::Dns),
    };
    let stream = timeout(CONNECT, TcpStream::connect(&*addresses)).await;
    let stream =
        stream.map_err(|_| Error::Connect("no connection within the time limit".into()))?;
    let stream = stream.map_err(|why| Error::Connect(why.kind().to_string()))?;
    // Without this option, a request may wait for an acknowledgement. If the call fails, that is the
    // only effect.
    let _ = stream.set_nodelay(true);
    let connection = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = connection.map_err(|_| Error::Reset)?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Maps an error of the client to one of the contract.
fn failure(error: &hyper::Error) -> Error {
    match error.is_parse() {
        true => Error::Protocol(error.to_string()),
        false => Error::Reset,
    }
}

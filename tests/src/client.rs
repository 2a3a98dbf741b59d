//! A minimal HTTP client for the tests of this crate.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A response.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The status line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A client for one URL and one connection.
pub(crate) struct Client {
    proxy: Option<String>,
    authority: String,
    path: String,
}

impl Client {
    /// Creates a client that connects directly to the server.
    pub(crate) fn direct(url: &str) -> Client {
        let (authority, path) = split(url);
        Client { proxy: None, authority, path }
    }

    /// Creates a client that connects through a proxy's tunnel.
    pub(crate) fn through(proxy: &str, url: &str) -> Client {
        Client { proxy: Some(split(proxy).0), ..Client::direct(url) }
    }

    /// Connects to the server; the error is the refusal.
    pub(crate) fn connect(&self) -> Result<TcpStream, String> {
        let address = self.proxy.as_ref().unwrap_or(&self.authority);
        let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        if self.proxy.is_some() {
            let authority = &self.authority;
            write!(stream, "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").unwrap();
            let mut answer = String::new();
            let mut reader = BufReader::new(&stream);
            while reader.read_line(&mut answer).unwrap() > 2 {}
            if answer != "HTTP/1.1 200 OK\r\n\r\n" {
                return Err(answer.lines().next().unwrap_or_default().to_owned());
            }
        }
        Ok(stream)
    }

    /// Sends a request and reads the response.
    pub(crate) fn send(
        &self,
        method: &str,
        headers: &str,
        content_type: Option<&str>,
        body: &str,
    ) -> Response {
        let (authority, path, length) = (&self.authority, &self.path, body.len());
        let content_type = content_type.map(|one| format!("Content-Type: {one}\r\n"));
        let content_type = content_type.unwrap_or_default();
        let mut stream = self.connect().unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {length}\r\n{content_type}{headers}\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Response {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: format!("{head}\r\n"),
            body: body.to_owned(),
        }
    }
}

fn split(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let at = rest.find('/').unwrap_or(rest.len());
    (rest[..at].to_owned(), rest[at..].to_owned())
}

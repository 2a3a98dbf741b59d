//! A minimal HTTP client: one request per connection.
//!
//! It is written by hand because the baseline is measured with it. The baseline stands for a program
//! without a connection pool, and a library's work and memory would be counted as the baseline's.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::Result;

/// Sends a request and returns the body of the response; a form makes it a POST.
///
/// It uses HTTP 1.0, where the end of the connection is the end of the response.
pub fn ask(url: &str, form: Option<&str>) -> Result<Vec<u8>> {
    let place = url.strip_prefix("http://").ok_or("the URL must begin with http://")?;
    let (server, path) = place.split_once('/').unwrap_or((place, ""));
    let head = match form {
        None => format!("GET /{path} HTTP/1.0\r\nHost: {server}\r\n\r\n"),
        Some(form) => format!(
            "POST /{path} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        ),
    };
    let mut connection = TcpStream::connect(server)?;
    connection.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or("the response is truncated")?;
    let body = answer.split_off(end + 4);
    let status = answer.get(9..12).unwrap_or_default();
    match status {
        b"200" | b"202" => Ok(body),
        _ => Err(format!("{url} answers {}", String::from_utf8_lossy(&answer)).into()),
    }
}

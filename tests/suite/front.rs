//! A server of the test's own in front of the stand-in, at the paths of DC/OS's Admin
//! Router. It may speak TLS, and it may misbehave.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use janitor_tests::Cluster;

/// One connection to a client.
pub trait Connection: Read + Write + Send {}

impl<T: Read + Write + Send> Connection for T {}

/// A running front, and the requests that it has received.
pub struct Front {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

/// One request to a front.
pub struct Asked<'a> {
    /// The number of earlier requests.
    pub number: usize,
    /// The whole request.
    pub request: &'a [u8],
    /// The socket itself, for faults that no server should have.
    pub socket: &'a TcpStream,
    upstream: &'a Upstream,
}

/// The prefixes and addresses of the servers behind a front.
struct Upstream([(&'static str, &'static str, SocketAddr); 4]);

impl Front {
    /// Starts a front: `accept` makes a connection of a socket, and `respond` answers
    /// one request; without an answer, the connection ends.
    pub fn start(
        cluster: &Cluster,
        accept: impl Fn(TcpStream) -> io::Result<Box<dyn Connection>> + Send + Sync + 'static,
        respond: impl Fn(&Asked, &mut dyn Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let heard = requests.clone();
        let shared = Arc::new((Upstream::of(cluster), accept, respond));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (shared, heard) = (shared.clone(), heard.clone());
                // The client has to notice a connection that fails.
                thread::spawn(move || -> io::Result<()> {
                    let (upstream, accept, respond) = &*shared;
                    let _ = socket.set_nodelay(true);
                    let mut connection = accept(socket.try_clone()?)?;
                    while let Some(request) = read_request(&mut connection)? {
                        let number = {
                            let mut heard = heard.lock().unwrap();
                            heard.push(String::from_utf8_lossy(&request).into_owned());
                            heard.len() - 1
                        };
                        let (request, socket) = (request.as_slice(), &socket);
                        respond(&Asked { number, request, socket, upstream }, &mut connection)?;
                        connection.flush()?;
                    }
                    Ok(())
                });
            }
        });
        Self { address, requests }
    }

    /// Returns the URL of the front.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Returns every request that was understood.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Asked<'_> {
    /// Returns the whole answer of the server behind the front, which has carried out the request.
    pub fn answer(&self) -> Vec<u8> {
        self.upstream.ask(self.request).expect("the stand-in answers")
    }

    /// Returns the same answer as head and body.
    pub fn parts(&self) -> (String, Vec<u8>) {
        let mut answer = self.answer();
        let end = end_of_head(&answer).expect("a head");
        let body = answer.split_off(end);
        (String::from_utf8(answer).expect("a head is text"), body)
    }
}

impl Upstream {
    fn of(cluster: &Cluster) -> Self {
        let address = |url: String| url.split('/').nth(2).unwrap().parse().unwrap();
        Self([
            // Each row has the prefix of the path, the part of it that is removed, and the server.
            ("/mesos/", "/mesos", address(cluster.master_url())),
            ("/exhibitor/", "/exhibitor", address(cluster.exhibitor_url())),
            ("/service/marathon/", "/service/marathon", address(cluster.marathon_url())),
            ("/acs/", "", address(cluster.login_url())),
        ])
    }

    fn ask(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let nowhere = || io::Error::other("no such path");
        let end = end_of_head(request).ok_or_else(nowhere)?;
        let head = String::from_utf8_lossy(&request[..end]).into_owned();
        let (line, headers) = head.split_once("\r\n").ok_or_else(nowhere)?;
        let (method, path) = line.split_once(' ').ok_or_else(nowhere)?;
        let server = self.0.iter().find(|(start, ..)| path.starts_with(start));
        let (_, prefix, address) = server.ok_or_else(nowhere)?;
        let path = &path[prefix.len()..];
        let mut upstream = TcpStream::connect(address)?;
        write!(upstream, "{method} {path}\r\nConnection: close\r\n{headers}")?;
        upstream.write_all(&request[end..])?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        // The client need not know how this connection ends.
        let end = end_of_head(&answer).ok_or_else(nowhere)?;
        let head = String::from_utf8_lossy(&answer[..end]).replace("connection: close\r\n", "");
        Ok([head.as_bytes(), &answer[end..]].concat())
    }
}

/// Reads one request with its body; returns nothing at the end of the connection.
fn read_request(connection: &mut dyn Connection) -> io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    let mut byte = [0];
    while end_of_head(&request).is_none() {
        if connection.read(&mut byte)? == 0 {
            return Ok(None);
        }
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap_or(0))];
    connection.read_exact(&mut body)?;
    request.extend(body);
    Ok(Some(request))
}

fn end_of_head(message: &[u8]) -> Option<usize> {
    Some(message.windows(4).position(|four| four == b"\r\n\r\n")? + 4)
}

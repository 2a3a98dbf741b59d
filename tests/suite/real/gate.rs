//! A way to a master on which requests can be held up.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::master::Master;

/// The URL of a way to a master. Something is done before requests that begin like
/// this go through, once.
pub fn before(
    request: &'static str,
    master: &Master,
    action: impl FnOnce() + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/master/", listener.local_addr().unwrap());
    let address = master.address().to_owned();
    let action = Arc::new(Mutex::new(Some(action)));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&address).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || io::copy(&mut from, &mut to));
            let action = action.clone();
            thread::spawn(move || {
                forward(client, server, |bytes| {
                    if bytes.starts_with(request.as_bytes()) {
                        // The others wait here until it is done.
                        let mut action = action.lock().unwrap();
                        action.take().into_iter().for_each(|action| action());
                    }
                })
            });
        }
    });
    url
}

/// Forwards what a client sends, as soon as it has been looked at.
fn forward(mut client: TcpStream, mut server: TcpStream, look: impl Fn(&[u8])) -> io::Result<()> {
    let mut buffer = [0; 65536];
    loop {
        let length = client.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        look(&buffer[..length]);
        server.write_all(&buffer[..length])?;
    }
}

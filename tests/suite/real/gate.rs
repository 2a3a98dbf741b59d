//! A proxy to a master that can delay requests.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::master::Master;

/// The action before a request is forwarded; empty once it has run.
type Action = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A proxy to a master.
pub struct Gate {
    url: String,
    action: Action,
}

impl Gate {
    /// Carries out the action once, before the proxy forwards the first request that begins like
    /// this.
    pub fn before(
        request: &'static str,
        master: &Master,
        action: impl FnOnce() + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/master/", listener.local_addr().unwrap());
        let address = master.address().to_owned();
        let gate = Self { url, action: Arc::new(Mutex::new(Some(Box::new(action)))) };
        let action = gate.action.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // During the action, the master may not be there.
                drop(action.lock().unwrap());
                let server = TcpStream::connect(&address).unwrap();
                let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let copied = io::copy(&mut from, &mut to);
                    // Otherwise, the client would wait for a master that has ended.
                    copied.and_then(|_| to.shutdown(Shutdown::Both))
                });
                let action = action.clone();
                thread::spawn(move || {
                    forward(client, server, |bytes| {
                        if bytes.starts_with(request.as_bytes()) {
                            // The other requests wait here until the action is done.
                            let mut action = action.lock().unwrap();
                            action.take().into_iter().for_each(|action| action());
                        }
                    })
                });
            }
        });
        gate
    }

    /// Returns the URL of the operator endpoints behind the proxy.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // An action that was never carried out may hold a master, which has to end.
        if let Ok(mut action) = self.action.lock() {
            action.take();
        }
    }
}

/// Forwards the data of a client after it has been inspected.
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

//! A real ZooKeeper, and a proxy that knows where in a deletion it is.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, sleep};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use zookeeper_client::{Acl, Acls, Client, CreateMode, CreateOptions, Permission};

/// A running server; killed when the last of its clones is dropped.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    command: String,
    folder: TempDir,
    process: Mutex<Process>,
    /// Where the sessions of the test itself are kept alive.
    runtime: Runtime,
}

struct Process {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a server without any data.
    pub fn start(command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Mutex::new(start(command, &folder));
        let runtime = Runtime::new().unwrap();
        Self(Arc::new(Inner { command: command.to_owned(), folder, process, runtime }))
    }

    /// Kills the server.
    pub fn kill(&self) {
        self.0.process.lock().unwrap().kill();
    }

    /// Starts it again with what it had, on another port.
    pub fn restart(&self) {
        *self.0.process.lock().unwrap() = start(&self.0.command, &self.0.folder);
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0.process.lock().unwrap().port)
    }

    /// The URL for `-e`.
    pub fn url(&self) -> String {
        format!("zk://{}/", self.address())
    }

    /// A session of the test's own.
    pub fn client(&self) -> Client {
        let connector = Client::connector().with_session_timeout(Duration::from_secs(30));
        self.run(connector.connect(&self.address())).unwrap()
    }

    /// Waits for something that a client does.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.runtime.block_on(work)
    }

    /// Creates nodes that everyone may change.
    pub fn create(&self, nodes: &[&str]) {
        let client = self.client();
        self.run(async {
            for node in nodes {
                client.create(node, b"data", &open()).await.unwrap();
            }
        });
    }

    /// The names of a node's children, in order.
    pub fn children(&self, node: &str) -> Vec<String> {
        let client = self.client();
        let mut children = self.run(client.list_children(node)).unwrap();
        children.sort();
        children
    }
}

impl Process {
    fn kill(&mut self) {
        // It may have ended by itself, which the test has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server and waits until it listens. Someone else may have its port just
/// then.
fn start(command: &str, folder: &TempDir) -> Process {
    (0..3)
        .find_map(|_| try_start(free_port(), command, folder))
        .unwrap_or_else(|| panic!("{command}: it does not listen"))
}

fn try_start(port: u16, command: &str, folder: &TempDir) -> Option<Process> {
    let words = shell_words::split(command).expect("a command line");
    let child = Command::new(&words[0])
        .args(&words[1..])
        .arg(port.to_string())
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{command}: {error}"));
    let mut process = Process { child, port };
    for _ in 0..600 {
        let listens = TcpStream::connect(("127.0.0.1", port)).is_ok();
        if process.child.try_wait().unwrap().is_some() {
            return None;
        }
        if listens {
            return Some(process);
        }
        sleep(Duration::from_millis(100));
    }
    panic!("{command}: it neither listens on port {port} nor ends");
}

/// Stands before a server.
pub struct Proxy(String);

impl Proxy {
    /// Passes everything on. Before each transaction (a request that changes many
    /// nodes) something is done with the server; transactions count from 0.
    pub fn before_each_transaction(
        server: &Server,
        before: impl Fn(&Server, usize) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("zk://{}/", listener.local_addr().unwrap());
        // A server must not live on because of its proxy, which nobody ends.
        let server = Arc::downgrade(&server.0);
        let before = Arc::new(before);
        let transactions = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, before) = (server.clone(), before.clone());
                let transactions = transactions.clone();
                // An error ends the connection, as it would without a proxy.
                thread::spawn(move || {
                    pass(client, &server, |server| {
                        before(server, transactions.fetch_add(1, Ordering::SeqCst));
                    })
                });
            }
        });
        Self(url)
    }

    /// The URL for `-e`.
    pub fn url(&self) -> String {
        self.0.clone()
    }
}

/// Passes a connection on, request by request.
fn pass(mut client: TcpStream, server: &Weak<Inner>, before: impl Fn(&Server)) -> io::Result<()> {
    /// The operation `multi` of ZooKeeper's protocol.
    const MULTI: [u8; 4] = 14_i32.to_be_bytes();
    let running = || server.upgrade().map(Server).ok_or(io::ErrorKind::NotConnected);
    let mut upstream = TcpStream::connect(running()?.address())?;
    let (mut answers, mut back) = (upstream.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut back);
        let _ = back.shutdown(std::net::Shutdown::Both);
    });
    let mut first = true;
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        client.read_exact(&mut request)?;
        // The first one has no header: it asks for the session.
        if !first && request.get(4..8) == Some(&MULTI) {
            before(&running()?);
        }
        first = false;
        upstream.write_all(&length)?;
        upstream.write_all(&request)?;
    }
}

/// A port that nobody listens on just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A node for everyone.
pub fn open() -> CreateOptions<'static> {
    CreateMode::Persistent.with_acls(Acls::anyone_all())
}

/// A node for the user who creates it.
pub fn closed() -> CreateOptions<'static> {
    CreateMode::Persistent.with_acls(Acls::creator_all())
}

/// A node that everyone may read, and only the user who creates it may change.
pub fn readable() -> CreateOptions<'static> {
    static ACLS: [Acl; 2] = [
        Acl::new_const(Permission::READ, "world", "anyone"),
        Acl::new_const(Permission::ALL, "auth", ""),
    ];
    CreateMode::Persistent.with_acls(Acls::new(&ACLS))
}

/// A node that goes with its session.
pub fn ephemeral() -> CreateOptions<'static> {
    CreateMode::Ephemeral.with_acls(Acls::anyone_all())
}

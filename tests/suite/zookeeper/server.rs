//! A real ZooKeeper, and a proxy that follows the progress of a deletion.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, sleep};
use std::time::Duration;

use janitor_tests::real::free_port;
use socket2::SockRef;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zookeeper_client::{Acl, Acls, Client, CreateMode, CreateOptions, Permission};

use crate::command::program;

/// A running server, which is killed when the last of its clones is dropped.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    command: String,
    folder: TempDir,
    process: Mutex<Process>,
    /// The runtime that keeps the test's own sessions alive.
    runtime: Runtime,
}

struct Process {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a server without any data.
    pub fn start(command: &str) -> Self {
        Self::in_folder(command, tempfile::tempdir().unwrap())
    }

    /// Starts a server without any data, which accepts requests of up to this many bytes.
    pub fn taking(command: &str, bytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("maxbuffer"), bytes.to_string()).unwrap();
        Self::in_folder(command, folder)
    }

    /// Starts three servers that are one ensemble, without any data.
    pub fn ensemble(command: &str) -> [Self; 3] {
        let peers = [1, 2, 3].map(|id| (id, free_port(), free_port()));
        let lines = peers
            .map(|(id, peer, election)| format!("server.{id}=127.0.0.1:{peer}:{election}\n"))
            .concat();
        // Each server answers clients only if there is a majority, so all must be started.
        let starting = peers.map(|(id, ..)| {
            let (command, lines) = (command.to_owned(), lines.clone());
            thread::spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("myid"), format!("{id}\n")).unwrap();
                fs::write(folder.path().join("ensemble.cfg"), lines).unwrap();
                Self::in_folder(&command, folder)
            })
        });
        let servers = starting.map(|server| server.join().unwrap());
        assert!((0..600).any(|_| {
            sleep(Duration::from_millis(100));
            servers.iter().any(Self::leads)
        }));
        servers
    }

    fn in_folder(command: &str, folder: TempDir) -> Self {
        let process = Mutex::new(start(command, &folder));
        let runtime = Runtime::new().unwrap();
        Self(Arc::new(Inner { command: command.to_owned(), folder, process, runtime }))
    }

    /// Returns a function that gets the same server for a proxy, which must not keep the server
    /// alive.
    pub fn unless_ended(&self) -> impl Fn() -> Option<Self> + Send + Sync + use<> {
        let server = Arc::downgrade(&self.0);
        move || server.upgrade().map(Self)
    }

    /// Returns whether the server says that it leads its ensemble.
    pub fn leads(&self) -> bool {
        let mut answer = String::new();
        let asked = TcpStream::connect(self.address()).and_then(|mut socket| {
            socket.write_all(b"srvr")?;
            socket.read_to_string(&mut answer)
        });
        asked.is_ok() && answer.contains("Mode: leader")
    }

    /// Kills the server.
    pub fn kill(&self) {
        self.0.process.lock().unwrap().kill();
    }

    /// Restarts the server with its data, on another port.
    pub fn restart(&self) {
        *self.0.process.lock().unwrap() = start(&self.0.command, &self.0.folder);
    }

    /// Returns the host and the port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0.process.lock().unwrap().port)
    }

    /// Returns the URL for `-e`.
    pub fn url(&self) -> String {
        format!("zk://{}/", self.address())
    }

    /// Opens a session of the test itself.
    pub fn client(&self) -> Client {
        let connector = Client::connector().with_session_timeout(Duration::from_secs(30));
        self.run(connector.connect(&self.address())).unwrap()
    }

    /// Waits for a client's work, and returns its result.
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

    /// Returns the names of a node's children, in order.
    pub fn children(&self, node: &str) -> Vec<String> {
        let client = self.client();
        let mut children = self.run(client.list_children(node)).unwrap();
        children.sort();
        children
    }
}

impl Process {
    fn kill(&mut self) {
        // The process may already have ended, which the test has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server and waits until it listens, in up to three attempts, because another process may
/// have taken the port.
fn start(command: &str, folder: &TempDir) -> Process {
    (0..3)
        .find_map(|_| try_start(free_port(), command, folder))
        .unwrap_or_else(|| panic!("{command}: it does not listen"))
}

fn try_start(port: u16, command: &str, folder: &TempDir) -> Option<Process> {
    let words = shell_words::split(command).expect("a command line");
    let child = program(&words[0])
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

/// A proxy in front of a server.
pub struct Proxy(String);

/// The fate of a transaction.
#[derive(Clone, Copy, PartialEq)]
pub enum Fate {
    /// The server carries it out and answers.
    Arrives,
    /// The connection is reset before the server sees it.
    Reset,
    /// The server carries it out, and the connection is reset before it answers.
    ArrivesAndIsReset,
    /// No server sees it, and nothing arrives on this connection any more.
    Vanishes,
}

impl Proxy {
    /// Starts a proxy that forwards everything. Before each transaction (a request that changes
    /// many nodes), it calls a function with the server; transactions count from 0.
    pub fn before_each_transaction(
        server: &Server,
        before: impl Fn(&Server, usize) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // The proxy, which nobody ends, must not keep the server alive.
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
                        before(server, transactions.fetch_add(1, Ordering::SeqCst))
                    })
                });
            }
        });
        Self(address)
    }

    /// Returns the URL for `-e`.
    pub fn url(&self) -> String {
        format!("zk://{}/", self.0)
    }

    /// Returns the host and the port.
    pub fn address(&self) -> &str {
        &self.0
    }
}

/// Forwards a connection, request by request.
fn pass(
    mut client: TcpStream,
    server: &Weak<Inner>,
    before: impl Fn(&Server) -> Fate,
) -> io::Result<()> {
    /// The operation `multi` of ZooKeeper's protocol.
    const MULTI: [u8; 4] = 14_i32.to_be_bytes();
    let running = || server.upgrade().map(Server).ok_or(io::ErrorKind::NotConnected);
    let mut upstream = TcpStream::connect(running()?.address())?;
    // Without this option every request, which is written in two parts, waits for an
    // acknowledgement.
    upstream.set_nodelay(true)?;
    let (mut answers, mut back) = (upstream.try_clone()?, client.try_clone()?);
    // This is set when the client must receive nothing more from the server.
    let mute = Arc::new(AtomicBool::new(false));
    // This is set when the client did not receive an answer.
    let unheard = Arc::new(AtomicBool::new(false));
    let (muted, swallowed) = (mute.clone(), unheard.clone());
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            if muted.load(Ordering::SeqCst) {
                swallowed.store(true, Ordering::SeqCst);
            } else if back.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        if !muted.load(Ordering::SeqCst) {
            let _ = back.shutdown(Shutdown::Both);
        }
    });
    let mut first = true;
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        client.read_exact(&mut request)?;
        // The first request has no header: it opens the session.
        let fate = match !first && request.get(4..8) == Some(&MULTI) {
            true => before(&running()?),
            false => Fate::Arrives,
        };
        first = false;
        mute.fetch_or(fate != Fate::Arrives, Ordering::SeqCst);
        if matches!(fate, Fate::Arrives | Fate::ArrivesAndIsReset) {
            upstream.write_all(&length)?;
            upstream.write_all(&request)?;
        }
        match fate {
            Fate::Arrives => {}
            Fate::Vanishes => {
                io::copy(&mut client, &mut io::sink())?;
                return Ok(());
            }
            Fate::Reset | Fate::ArrivesAndIsReset => {
                // The answer shows that the server has carried out the transaction.
                while fate == Fate::ArrivesAndIsReset && !unheard.load(Ordering::SeqCst) {
                    sleep(Duration::from_millis(10));
                }
                SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
                // This also ends the other thread, which uses the same socket.
                upstream.shutdown(Shutdown::Both)?;
                return Ok(());
            }
        }
    }
}

/// Lets everyone read and change a node.
pub fn anyone() -> Acls<'static> {
    Acls::anyone_all()
}

/// Lets only the user who creates a node read and change it.
pub fn creator() -> Acls<'static> {
    Acls::creator_all()
}

/// Returns the options of a node that everyone may read and change.
pub fn open() -> CreateOptions<'static> {
    CreateMode::Persistent.with_acls(Acls::anyone_all())
}

/// Returns the options of a node that only the user who creates it may read and change.
pub fn closed() -> CreateOptions<'static> {
    CreateMode::Persistent.with_acls(Acls::creator_all())
}

/// Returns the options of a node that everyone may read, and only the user who creates it may
/// change.
pub fn readable() -> CreateOptions<'static> {
    static ACLS: [Acl; 2] = [
        Acl::new_const(Permission::READ, "world", "anyone"),
        Acl::new_const(Permission::ALL, "auth", ""),
    ];
    CreateMode::Persistent.with_acls(Acls::new(&ACLS))
}

/// Returns the options of a node that is deleted with its session.
pub fn ephemeral() -> CreateOptions<'static> {
    CreateMode::Ephemeral.with_acls(Acls::anyone_all())
}

//! A real master and its agents, each in a process of its own, so that every one can be stopped,
//! killed and started again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use janitor_tests::real::free_port;
use serde_json::Value;

use crate::Result;

/// The agents beside the master.
pub const AGENTS: usize = 5;

/// The flags of the master and the agents: an agent that does not answer for six seconds is
/// unreachable, and one that has lost its master looks for it again after the same time.
const FLAGS: [(&str, &str); 3] = [
    ("MESOS_AGENT_PING_TIMEOUT", "1secs"),
    ("MESOS_MAX_AGENT_PING_TIMEOUTS", "6"),
    ("MESOS_REGISTRATION_BACKOFF_FACTOR", "200ms"),
];

/// A new master does not know for ten minutes whether all frameworks have come back.
const COMING_BACK: Duration = Duration::from_secs(620);

/// The cluster.
pub struct Cluster {
    /// The master.
    pub master: Node,
    /// The agents.
    pub agents: Vec<Node>,
    /// The time of the last failover.
    pub failover: Option<Instant>,
}

/// A process with a master, or with an agent.
pub struct Node {
    command: Vec<String>,
    number: usize,
    port: u16,
    leader: Option<u16>,
    folder: PathBuf,
    process: Option<Child>,
}

impl Cluster {
    /// Starts a cluster that keeps its state in a folder, which is emptied first.
    pub fn start(command: &str, folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let command = shell_words::split(command)?;
        let leader = free_port();
        let node = |name: String, number, port, leader| -> Result<Node> {
            let folder = folder.join(name);
            fs::create_dir_all(&folder)?;
            let mut node =
                Node { command: command.clone(), number, port, leader, folder, process: None };
            node.start(true)?;
            Ok(node)
        };
        let master = node("master".into(), 0, leader, None)?;
        let agents = (0..AGENTS)
            .map(|agent| node(format!("agent-{agent}"), 1, free_port(), Some(leader)))
            .collect::<Result<_>>()?;
        Ok(Self { master, agents, failover: None })
    }

    /// Returns the URL of the master's operator endpoints.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/master/", self.master.port)
    }

    /// Returns the ports of the agents.
    pub fn ports(&self) -> Vec<u16> {
        self.agents.iter().map(|agent| agent.port).collect()
    }

    /// Returns whether the master may not know all frameworks, so that every cleanup is refused.
    pub fn has_new_master(&self) -> bool {
        self.failover.is_some_and(|failover| failover.elapsed() < COMING_BACK)
    }

    /// Lets everything run that is stopped or dead, with its state.
    pub fn restore(&mut self) -> Result<()> {
        for node in self.agents.iter_mut().chain([&mut self.master]) {
            node.signal("-CONT");
            node.start(true)?;
        }
        Ok(())
    }

    /// Starts all agents again, with their state.
    pub fn restart_agents(&mut self) -> Result<()> {
        for agent in &mut self.agents {
            agent.kill();
            agent.start(true)?;
        }
        Ok(())
    }
}

impl Node {
    /// Starts the process, unless it runs; with the state that it had, or without any.
    pub fn start(&mut self, with_state: bool) -> Result<()> {
        if let Some(process) = &mut self.process
            && process.try_wait()?.is_none()
        {
            return Ok(());
        }
        let (program, words) = self.command.split_first().ok_or("the command is empty")?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(program);
        command
            .args(words)
            .args([self.number.to_string(), self.port.to_string()])
            .envs(FLAGS)
            .env("LAB_DIR", self.folder.join("state"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if with_state {
            command.env("LAB_KEEP", "1");
        }
        if let Some(leader) = self.leader {
            command.env("LAB_LEADER", format!("127.0.0.1:{leader}"));
        }
        self.process = Some(command.spawn().map_err(|why| format!("cannot run {program}: {why}"))?);
        Ok(())
    }

    /// Kills the process.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Errors are ignored: the process may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Sends a signal to the process, if it runs.
    pub fn signal(&self, signal: &str) {
        if let Some(process) = &self.process {
            send(signal, process);
        }
    }

    /// Returns the file that has the output of the process.
    pub fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process, which may have ended already.
pub fn send(signal: &str, process: &Child) {
    let _ = Command::new("kill").arg(signal).arg(process.id().to_string()).status();
}

/// Gets a JSON document from a server.
pub fn get(url: &str) -> Result<Value> {
    let body = client().get(url).call()?.into_body();
    Ok(serde_json::from_reader(body.into_reader())?)
}

/// Creates a client that uses no proxy, and does not wait forever.
pub fn client() -> ureq::Agent {
    let timeout = Some(Duration::from_secs(20));
    ureq::config::Config::builder().proxy(None).timeout_global(timeout).build().into()
}

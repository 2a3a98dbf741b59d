//! Deletes a node with everything below it.

use std::time::Instant;

use super::ZooKeeperLimits;
use super::connection::Connection;
use super::fault::{Fault, code};
use super::jute::Names;
use super::refusal::{Refusal, may_be_done};
use super::session::Session;

/// A node with everything below it, which is being deleted.
pub(super) struct Subtree<'a> {
    session: &'a mut Session,
    root: &'a str,
    /// The number of nodes visited so far, some of them more than once.
    visited: u64,
    /// The most bytes that the entries of one batch may have together.
    most: usize,
}

/// A node on the path from the root to the current node of a walk.
struct Level {
    /// The length of its path.
    length: usize,
    /// The children that the walk has not visited yet.
    names: Names,
}

impl<'a> Subtree<'a> {
    /// The most walks through the subtree while another client creates nodes in it.
    const WALKS: usize = 10;
    /// The most nodes that one request deletes.
    const BATCH: usize = 100;
    /// The most bytes that their entries may have together. A server accepts 1 MB
    /// (`jute.maxbuffer`), unless it is configured otherwise.
    const BATCH_BYTES: usize = 256 << 10;
    /// The size of an entry besides its path, in bytes.
    const ENTRY: usize = 17;
    /// The number of times that a batch without a response is sent.
    const SENT: u32 = 2;
    /// The longest path, in bytes. It has the same reason, and limits the depth of a tree.
    const LONGEST_PATH: usize = 1_000_000;

    pub(super) fn new(session: &'a mut Session, root: &'a str) -> Self {
        Self { session, root, visited: 0, most: Self::BATCH_BYTES }
    }

    /// Deletes the subtree, leaves first.
    pub(super) fn delete(&mut self) -> Result<(), Refusal> {
        let mut grown = self.walk(true)?;
        for _ in 1..Self::WALKS {
            if grown.is_none() {
                return Ok(());
            }
            grown = self.walk(false)?;
        }
        grown.map_or(Ok(()), Err)
    }

    /// Walks through the subtree once, and deletes the nodes that it finds. Returns a refusal if
    /// another client has meanwhile created children of a node. Only in the first walk is a missing
    /// root an error; later, another client has deleted it.
    fn walk(&mut self, first: bool) -> Result<Option<Refusal>, Refusal> {
        let mut batch = Batch::default();
        let mut levels: Vec<Level> = Vec::new();
        let mut path = self.root.to_owned();
        let mut name_bytes = 0;
        loop {
            if let Some(why) = self.too_much(&path, name_bytes) {
                // The nodes found so far are deleted, so that the next run gets further.
                self.delete_batch(&mut batch)?;
                return Err(Refusal::Over(why));
            }
            self.visited += 1;
            self.require_time()?;
            match self.session.children(&path) {
                Ok(names) => {
                    name_bytes += names.size();
                    levels.push(Level { length: path.len(), names });
                }
                Err(Refusal::Refused { code: code::NO_NODE, .. })
                    if !first || path != self.root => {}
                Err(refusal) => return Err(refusal),
            }
            // A node without children is deleted, and then its parent, up to one that still has
            // children.
            loop {
                let Some(level) = levels.last_mut() else {
                    self.delete_batch(&mut batch)?;
                    return Ok(batch.grown);
                };
                path.truncate(level.length);
                if let Some(name) = level.names.next_name() {
                    path.push('/');
                    path.push_str(name);
                    break;
                }
                name_bytes -= level.names.size();
                levels.pop();
                let entry = path.len() + Self::ENTRY;
                if batch.nodes.len() == Self::BATCH || batch.bytes + entry > self.most {
                    self.delete_batch(&mut batch)?;
                }
                batch.bytes += entry;
                batch.nodes.push(path.clone());
            }
        }
    }

    /// Returns the reason why a walk ends at this node. `name_bytes` is the size of the names on
    /// the path to it. An endless tree must use neither all memory nor all time.
    fn too_much(&self, path: &str, name_bytes: usize) -> Option<String> {
        let ZooKeeperLimits { znodes, znode_bytes } = self.session.limits();
        if self.visited >= znodes {
            Some(format!("it has more than {znodes} nodes, which are not deleted in one run"))
        } else if name_bytes > znode_bytes {
            Some(format!("the names of its nodes take more than {znode_bytes} bytes at a time"))
        } else if path.len() > Self::LONGEST_PATH {
            Some(format!("a node's path is longer than {} bytes", Self::LONGEST_PATH))
        } else {
            None
        }
    }

    /// Fails if the run has to end.
    fn require_time(&self) -> Result<(), Refusal> {
        match self.session.is_over() {
            Some(why) => Err(Refusal::Over(why.into())),
            None => Ok(()),
        }
    }

    /// Deletes nodes in this order: in one request or, if that fails, one by one, which shows the
    /// node that blocks it. A request without a response may be too long for the servers, so the
    /// next ones are shorter.
    fn delete_batch(&mut self, batch: &mut Batch) -> Result<(), Refusal> {
        let nodes = std::mem::take(&mut batch.nodes);
        let bytes = std::mem::take(&mut batch.bytes);
        if nodes.is_empty() {
            return Ok(());
        }
        let mut sent = 0;
        let all = self.change(self.root, nodes.len(), |connection, end| {
            if sent == Self::SENT {
                return Ok(false);
            }
            sent += 1;
            connection.delete_all(&nodes, end).map(|()| true)
        });
        match all {
            // The request deletes all nodes or none. If it succeeds, an earlier one without a
            // response has deleted nothing.
            Ok(true) => {
                self.session.removed.deleted += nodes.len() as u64;
                self.session.in_doubt = 0;
                return Ok(());
            }
            Ok(false) => self.most = bytes / 2,
            Err(Refusal::Refused { .. }) => {}
            Err(refusal) => return Err(refusal),
        }
        let all_in_doubt = self.session.in_doubt > 0;
        for (place, node) in nodes.iter().enumerate() {
            match self.change(node, 1, |connection, end| connection.delete(node, end)) {
                Ok(()) => self.session.removed.deleted += 1,
                // Either a lost server has deleted it, or another client has.
                Err(Refusal::Refused { code: code::NO_NODE, .. }) => {
                    self.session.removed.unanswered += u64::from(self.session.in_doubt > 0);
                }
                Err(refusal @ Refusal::Refused { code: code::NOT_EMPTY, .. }) => {
                    batch.grown = Some(refusal);
                }
                Err(refusal) => return Err(refusal),
            }
            self.session.in_doubt = if all_in_doubt { nodes.len() - place - 1 } else { 0 };
        }
        Ok(())
    }

    /// Carries out an operation that deletes this many nodes. After a request without a response,
    /// their state is unknown, whatever the response to its repetition.
    fn change<T>(
        &mut self,
        node: &str,
        count: usize,
        mut operation: impl FnMut(&mut Connection, Instant) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        self.require_time()?;
        let mut unanswered = false;
        let changed = self.session.perform(node, |connection, end| {
            operation(connection, end).inspect_err(|fault| unanswered |= may_be_done(fault))
        });
        if unanswered {
            self.session.in_doubt = self.session.in_doubt.max(count);
        }
        changed
    }
}

/// The nodes that one request deletes.
#[derive(Default)]
struct Batch {
    nodes: Vec<String>,
    /// The size of their entries together, in bytes.
    bytes: usize,
    /// The refusal for a node of an earlier request that has new children.
    grown: Option<Refusal>,
}

//! The deletion of a node with everything below it.

use std::time::Instant;

use super::ZooKeeperLimits;
use super::connection::{Connection, Fault, code};
use super::jute::Names;
use super::refusal::{Refusal, may_be_done};
use super::session::Session;

/// The nodes of a subtree that no longer exist.
#[derive(Clone, Copy, Default)]
pub(super) struct Gone {
    /// The nodes whose deletion a server has confirmed.
    deleted: u64,
    /// The nodes that no longer exist, and whose deletion no server has answered.
    unanswered: u64,
}

impl Gone {
    /// Describes them to people, if there are any.
    pub(super) fn words(self, root: &str) -> Option<String> {
        let Self { deleted, unanswered } = self;
        let what = match (deleted, unanswered) {
            (0, 0) => return None,
            (_, 0) => format!("{deleted} node(s) were deleted before that"),
            (0, _) => {
                format!("{unanswered} node(s) are gone whose deletion no server has answered")
            }
            _ => format!(
                "at least {deleted} node(s) were deleted before that, and {unanswered} more are \
                 gone whose deletion no server has answered"
            ),
        };
        Some(format!("{root} is deleted in part: {what}"))
    }
}

/// A node and everything below it, which is being deleted.
pub(super) struct Subtree<'a> {
    session: &'a mut Session,
    root: &'a str,
    /// The number of nodes found so far, some of them more than once.
    met: u64,
    /// The most bytes that the entries of a batch may have together.
    most: usize,
}

/// A node on the path from the root to the current node of a walk.
struct Level {
    /// The length of its path.
    length: usize,
    /// Its children that the walk has not reached.
    names: Names,
}

impl<'a> Subtree<'a> {
    /// The number of walks through the subtree while another client creates nodes in it.
    const WALKS: usize = 10;
    /// The number of nodes that one request deletes.
    const BATCH: usize = 100;
    /// The most bytes that their entries may have together: a server takes 1 MB
    /// (`jute.maxbuffer`), unless it is configured to take less.
    const BATCH_BYTES: usize = 256 << 10;
    /// The bytes of an entry besides its path.
    const ENTRY: usize = 17;
    /// The number of times that an unanswered batch is sent.
    const SENT: u32 = 2;
    /// The length of the longest path, for the same reason; that bounds the depth of a tree.
    const LONGEST_PATH: usize = 1_000_000;

    pub(super) fn new(session: &'a mut Session, root: &'a str) -> Self {
        Self { session, root, met: 0, most: Self::BATCH_BYTES }
    }

    /// Deletes it, leaves first.
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

    /// Walks through the subtree once, and deletes the nodes it finds. Returns a node
    /// that has got children meanwhile, if there is one. Only the first walk finds
    /// that the root is not there; later, someone else has deleted it.
    fn walk(&mut self, first: bool) -> Result<Option<Refusal>, Refusal> {
        let mut batch = Batch::default();
        let mut levels: Vec<Level> = Vec::new();
        let mut path = self.root.to_owned();
        let mut held = 0;
        loop {
            if let Some(why) = self.too_much(&path, held) {
                // The nodes found so far are deleted, so that the next run gets further.
                self.delete_batch(&mut batch)?;
                return Err(Refusal::Over(why));
            }
            self.met += 1;
            self.go_on()?;
            match self.session.children(&path) {
                Ok(names) => {
                    held += names.size();
                    levels.push(Level { length: path.len(), names });
                }
                Err(Refusal::Refused { code: code::NO_NODE, .. })
                    if !first || path != self.root => {}
                Err(refusal) => return Err(refusal),
            }
            // A node without children is deleted, and so on up to one that has some.
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
                held -= level.names.size();
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

    /// The reason why a walk ends at this node, with this many bytes of names on the path
    /// to it: an endless tree must use neither all memory nor all time.
    fn too_much(&self, path: &str, held: usize) -> Option<String> {
        let ZooKeeperLimits { znodes, znode_bytes } = self.session.limits();
        if self.met >= znodes {
            Some(format!("it has more than {znodes} nodes, which are not deleted in one run"))
        } else if held > znode_bytes {
            Some(format!("the names of its nodes take more than {znode_bytes} bytes at a time"))
        } else if path.len() > Self::LONGEST_PATH {
            Some(format!("a node's path is longer than {} bytes", Self::LONGEST_PATH))
        } else {
            None
        }
    }

    /// Ends the walk when the run has to end.
    fn go_on(&self) -> Result<(), Refusal> {
        match self.session.is_over() {
            Some(why) => Err(Refusal::Over(why.into())),
            None => Ok(()),
        }
    }

    /// Deletes some nodes in this order: in one request, or one by one when that
    /// fails, because only then it is known which one blocks it. A request without an
    /// answer may be too long for the servers, so the next ones are shorter.
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
            // It deletes all or none, so one without an answer has deleted nothing before.
            Ok(true) => {
                self.session.gone.deleted += nodes.len() as u64;
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
                Ok(()) => self.session.gone.deleted += 1,
                // A server that was lost has deleted it, as it seems, or someone else has.
                Err(Refusal::Refused { code: code::NO_NODE, .. }) => {
                    self.session.gone.unanswered += u64::from(self.session.in_doubt > 0);
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

    /// Carries out an operation that deletes this many nodes. They are in doubt when a request
    /// was not answered, whatever is said to the one that repeats it.
    fn change<T>(
        &mut self,
        node: &str,
        count: usize,
        mut operation: impl FnMut(&mut Connection, Instant) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        self.go_on()?;
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

/// Nodes that one request deletes.
#[derive(Default)]
struct Batch {
    nodes: Vec<String>,
    /// The length of their paths together.
    bytes: usize,
    /// A node of an earlier request that has got children.
    grown: Option<Refusal>,
}

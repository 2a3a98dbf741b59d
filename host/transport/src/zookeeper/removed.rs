//! The progress of a deletion.

/// The nodes of a subtree that no longer exist.
#[derive(Clone, Copy, Default)]
pub(super) struct Removed {
    /// The number of nodes whose deletion a server has confirmed.
    pub(super) deleted: u64,
    /// The number of nodes that no longer exist, and whose deletion no server has confirmed.
    pub(super) unanswered: u64,
}

impl Removed {
    /// Describes these nodes to people, if there are any.
    pub(super) fn describe(self, root: &str) -> Option<String> {
        let Self { deleted, unanswered } = self;
        let counts = match (deleted, unanswered) {
            (0, 0) => return None,
            (_, 0) => format!("{deleted} node(s) were deleted before that"),
            (0, _) => {
                format!(
                    "{unanswered} node(s) no longer exist, and no server has confirmed their deletion"
                )
            }
            _ => format!(
                "at least {deleted} node(s) were deleted before that, and {unanswered} more no \
                 longer exist, and no server has confirmed their deletion"
            ),
        };
        Some(format!("{root} is deleted in part: {counts}"))
    }
}

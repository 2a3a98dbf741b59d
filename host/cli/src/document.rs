//! Opens a file of this program without a network: a plan, or a recording, which is replayed.

use std::path::Path;

use janitor_contract::types::{CleanupPlan, Options, ZnodeState};
use janitor_contract::{Call, Done, strict};
use janitor_host::{Janitor, Session};
use janitor_report::plan_file::PlanFile;
use janitor_transport::recording::read::Replay;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::component::ComponentArgs;
use crate::error::CommandError;
use crate::files;
use crate::played::Played;

/// A file that was opened.
#[allow(clippy::large_enum_variant, reason = "there is one for each process")]
pub enum Document {
    /// A plan.
    Plan(PlanFile),
    /// A recording, with everything that its replay showed.
    Recording(Played),
}

impl Document {
    /// Opens a file.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or is neither a plan nor a recording, or if there is no
    /// component to replay it.
    pub fn open(file: &Path, component: &ComponentArgs) -> Result<Self, CommandError> {
        /// The top-level fields of both documents.
        #[derive(Deserialize)]
        struct Fields {
            log: Option<IgnoredAny>,
            plan: Option<IgnoredAny>,
            plans: Option<IgnoredAny>,
        }

        let unread = |why: String| format!("cannot show {}: {why}", file.display());
        let json =
            janitor_file::read(file, Replay::MOST_BYTES).map_err(|why| unread(why.to_string()))?;
        let fields = strict::json::<Fields>(&json)
            .map_err(|why| unread(format!("it is neither a plan nor a recording: {why}")))?;
        match fields {
            Fields { log: Some(_), .. } => {
                let replay = Replay::read(&json).map_err(|why| unread(why.to_string()))?;
                drop(json);
                Ok(Self::Recording(Played::of(&component.load()?, replay)))
            }
            Fields { plan: Some(_), .. } | Fields { plans: Some(_), .. } => {
                drop(json);
                Ok(Self::Plan(files::read_plan(file)?))
            }
            Fields { .. } => Err(unread("it is neither a plan nor a recording".into()).into()),
        }
    }
}

/// Makes the plan of a recorded cleanup of one target, from what the recording contains. There is
/// none if that is too little.
pub fn plan_of(janitor: &Janitor, replay: &Replay, call: &Call) -> Option<(CleanupPlan, Options)> {
    let Call::Clean(target) = call else { return None };
    let options = Options { confirm_seconds: 0, ..replay.run().options };
    let session = Session::new(replay.snapshot());
    let Ok(Done::Planned(plan)) = janitor.run(&Call::Plan(target.clone()), &options, session)
    else {
        return None;
    };
    // A cleanup looks at the znode only after it has deleted it.
    let unknown = || ZnodeState::Unknown("a recorded cleanup does not show it".into());
    let znode = plan.znode.as_ref().map(|_| unknown());
    Some((CleanupPlan { znode, ..plan }, options))
}

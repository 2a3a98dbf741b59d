//! The files that a run writes: its recording, and its plan.

use std::time::SystemTime;

use janitor_contract::types::{CleanupPlan, Target};
use janitor_contract::{Done, RunError};
use janitor_report::command_line::print::Invocation;
use janitor_report::extent::changes_anything;
use janitor_report::next::Ran;
use janitor_report::plan_file::{Made, PlanFile};
use janitor_transport::exchange::Transport;
use janitor_transport::recording::har::Run;
use janitor_transport::recording::write::Recording;

use super::Cluster;
use crate::error::CommandError;
use crate::files;
use crate::finished::Finished;

impl Cluster<'_> {
    /// Carries out a call, and records it if the request names a file.
    pub fn record(&self, run: &Invocation) -> Result<(Ran, Option<Recording>), CommandError> {
        self.record_through(run, |network| network)
    }

    /// The same through another transport in front of the network.
    pub fn record_through(
        &self,
        run: &Invocation,
        front: impl FnOnce(Box<dyn Transport>) -> Box<dyn Transport>,
    ) -> Result<(Ran, Option<Recording>), CommandError> {
        let network = front(Box::new(self.network.clone()));
        let Some(record) = &self.request.record else {
            return Ok((self.send(run, network), None));
        };
        let recording = Recording::begin(&record.file, self.recorded(run))
            .map_err(|why| format!("cannot record to {}: {why}", record.file.display()))?;
        let ran = self.send(run, recording.through(network));
        Ok((ran, Some(recording)))
    }

    /// Writes the recording of a run to its file. Returns the reason if it is lost.
    pub fn keep_recording(&self, recording: Option<Recording>, ran: &Ran) -> Option<String> {
        let (recording, record) = (recording?, self.request.record.as_ref()?);
        let file = record.file.display();
        let stopped_at = self.cancellation.noticed();
        let is_broken = matches!(ran.result, Err(RunError::Violation(_)));
        let is_complete = recording.is_complete() && stopped_at.is_none() && !is_broken;
        if record.only_complete && !is_complete {
            return Some(format!(
                "the recording {file} was not replaced: this run is not complete"
            ));
        }
        let written = recording.finish(stopped_at);
        written.err().map(|why| format!("the recording {file} is lost: {why}"))
    }

    /// Writes the plan to its file, and adds the command that applies it.
    pub fn keep_plan(&self, ran: &Ran, run: &Invocation, finished: &mut Finished) {
        let Some(file) = &self.request.plan_file else { return };
        let plans: Option<Vec<_>> = match &ran.result {
            Ok(Done::Planned(plan)) => Some(vec![plan.clone()]),
            Ok(Done::PlannedAll(results)) => {
                results.iter().map(|it| it.as_ref().ok().cloned()).collect()
            }
            _ => None,
        };
        let Some(plans) = plans.filter(|plans| !plans.is_empty()) else {
            finished.lose(format!("there is no plan to write to {}", file.display()));
            return;
        };
        // Another process may apply the plan, and this app does not run that process.
        let without_app = |plan: CleanupPlan| {
            let target = Target { marathon_app: None, ..plan.target };
            CleanupPlan { target, ..plan }
        };
        let plans: Vec<_> = plans.into_iter().map(without_app).collect();
        let command = match (&plans[..], run.caller.several.is_empty()) {
            ([plan], true) => run.new_plan(&plan.target, &run.options),
            _ => run.new_plans(),
        };
        let made = Made {
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
            command,
        };
        let changes = |it: &CleanupPlan| it.refusal.is_none() && changes_anything(it, &run.options);
        let changes = plans.iter().any(changes);
        match files::write_plan(file, &PlanFile::new(made, &run.endpoints, &run.options, plans)) {
            Ok(()) if changes => finished.hint(format!("to apply the plan: {}", run.apply(file))),
            Ok(()) => {}
            Err(why) => finished.lose(why),
        }
    }

    /// Ends a command at the prompt, and keeps the recording of its plan.
    pub fn end(
        &self,
        mut finished: Finished,
        looked: Option<(Ran, Option<Recording>)>,
    ) -> Finished {
        let Some(record) = &self.request.record else { return finished };
        let lost = match looked {
            Some((_, recording)) if record.only_complete => {
                drop(recording);
                Some(format!("the recording {} was not replaced", record.file.display()))
            }
            Some((ran, recording)) => self.keep_recording(recording, &ran),
            None => Some(format!(
                "nothing was sent, so no recording was written to {}",
                record.file.display()
            )),
        };
        lost.into_iter().for_each(|why| finished.lose(why));
        finished
    }

    /// Describes a run for its recording.
    fn recorded(&self, Invocation { call, options, endpoints, .. }: &Invocation) -> Run {
        Run {
            schema_version: Run::SCHEMA_VERSION,
            component: self.janitor.digest().into(),
            endpoints: endpoints.clone(),
            call: call.clone(),
            options: options.clone(),
            stopped_at: None,
            elapsed: None,
            window: self.limits.window,
        }
    }
}

//! Shows what a run would remove, and prompts for consent.

use janitor_contract::changes::differences;
use janitor_contract::types::{CleanupPlan, Failure, Options, Reason, Report};
use janitor_contract::{Call, Done, RunError, planned};
use janitor_report::command_line::print::Invocation;
use janitor_report::line::{Line, Tone};
use janitor_report::next::Ran;
use janitor_report::{plan, several};
use janitor_transport::recording::write::Recording;

use super::Cluster;
use crate::consent::Consent;
use crate::error::CommandError;
use crate::finished::Finished;
use crate::read_only::ReadOnly;

/// A run that has looked at the cluster, and its recording.
type Looked = (Ran, Option<Recording>);

/// Plans to carry out, and the run that looked at the cluster before the prompt.
type Shown = (Vec<CleanupPlan>, Option<Looked>);

impl Cluster<'_> {
    /// Shows what would be removed, and prompts for consent. If the run ends there, its recording
    /// contains the requests of the plan.
    ///
    /// # Errors
    /// Fails if the recording cannot be started. In that case nothing was sent.
    pub fn ask(&self, call: Call) -> Result<Result<(Call, Consent), Finished>, CommandError> {
        let options = &self.request.options;
        let is_one = call.parts().is_empty();
        let shown = match call {
            Call::Apply(plan) => self.compare(vec![plan], is_one)?,
            Call::ApplyAll(plans) => self.compare(plans, is_one)?,
            Call::Clean(target) | Call::Plan(target) => {
                self.look(self.invocation(Call::Plan(target)))?
            }
            Call::CleanAll(targets) | Call::PlanAll(targets) => {
                self.look(self.invocation(Call::PlanAll(targets)))?
            }
            // Nothing is removed, so no consent is needed.
            Call::Discover => return self.carry_out(Call::Discover).map(Err),
        };
        let (plans, looked) = match shown {
            Ok(shown) => shown,
            Err(finished) => return Ok(Err(finished)),
        };
        let planned = planned_by(plans.clone(), is_one);
        self.show(&planned);
        let call = match is_one {
            true => plans.first().cloned().map_or(Call::Discover, Call::Apply),
            false => Call::ApplyAll(plans.clone()),
        };
        if let Some(ran) = refused_by(&plans, is_one) {
            let finished = self.finished(&ran, &self.invocation(call));
            return Ok(Err(self.end(finished, looked)));
        }
        let (are_found, endpoints) = (self.request.all_orphaned, self.network.endpoints());
        match Consent::to(&plans, options, are_found, endpoints, self.screen) {
            Some(consent) => Ok(Ok((call, consent))),
            None => {
                let error = CommandError::Declined(planned.into());
                self.screen.explain(&error);
                Ok(Err(self.end(Finished::explained(&error), looked)))
            }
        }
    }

    /// Shows plans, and the safety checks that they disable.
    fn show(&self, planned: &Done) {
        let (options, verbose) = (&self.request.options, self.screen.verbose());
        let lines = match planned {
            Done::Planned(it) => plan::plan(it, options, verbose),
            Done::PlannedAll(results) => several::plans(results, &[], options, verbose),
            Done::Cleaned(_) | Done::Discovered(_) | Done::CleanedAll(_) => vec![],
        };
        lines.into_iter().for_each(|line| self.screen.show(line));
        if !self.request.disabled_checks.is_empty() {
            let line = format!(
                "This plan disables safety checks: {}",
                self.request.disabled_checks.join(", ")
            );
            self.screen.show(Line::tone(Tone::Warn, line));
        }
    }

    /// Compares plans with the cluster. If it differs, the command ends with the reason; but plans
    /// that are already carried out do not stop the others.
    ///
    /// # Errors
    /// Fails if the recording cannot be started. In that case nothing was sent.
    fn compare(
        &self,
        plans: Vec<CleanupPlan>,
        is_one: bool,
    ) -> Result<Result<Shown, Finished>, CommandError> {
        let options = &self.request.options;
        let plans: Vec<_> = plans.iter().map(|plan| planned::under(plan, options)).collect();
        // Nobody needs to look at the cluster for plans that are refused anyway.
        if plans.iter().all(|plan| plan.refusal.is_some()) {
            return Ok(Ok((plans, None)));
        }
        let targets: Vec<_> = plans.iter().map(|plan| plan.target.clone()).collect();
        let call = match (is_one, targets.first()) {
            (true, Some(target)) => Call::Plan(target.clone()),
            _ => Call::PlanAll(targets),
        };
        // The run itself waits for what passes.
        let now = Options { wait_seconds: 0, ..options.clone() };
        let (now, looked) = match self.look(Invocation { options: now, ..self.invocation(call) })? {
            Ok(shown) => shown,
            Err(finished) => return Ok(Err(finished)),
        };
        let differs = |(plan, now): &(&CleanupPlan, &CleanupPlan)| {
            plan.refusal.is_none() && !differences(plan, now, options).is_empty()
        };
        let different: Vec<_> =
            plans.iter().zip(&now).filter(differs).map(|(plan, _)| plan.clone()).collect();
        if !different.is_empty() {
            let is_all = different.len() == plans.len();
            let call = match (is_one, different.first()) {
                (true, Some(plan)) => Call::Apply(plan.clone()),
                _ => Call::ApplyAll(different),
            };
            let (finished, answered, is_done) = self.answer(call)?;
            if is_all || !is_done {
                return Ok(Err(self.end(finished, Some(answered))));
            }
        }
        Ok(Ok((plans, looked)))
    }

    /// Makes plans, as the cluster is now.
    ///
    /// # Errors
    /// Fails if the recording cannot be started. In that case nothing was sent.
    fn look(&self, run: Invocation) -> Result<Result<Shown, Finished>, CommandError> {
        let (ran, recording) = self.record(&run)?;
        let plans = match &ran.result {
            Ok(Done::Planned(plan)) => Some(vec![plan.clone()]),
            Ok(Done::PlannedAll(results)) => {
                results.iter().map(|it| it.as_ref().ok().cloned()).collect()
            }
            _ => None,
        };
        let Some(plans) = plans else {
            let finished = self.finished(&ran, &run);
            return Ok(Err(self.end(finished, Some((ran, recording)))));
        };
        Ok(Ok((plans, Some((ran, recording)))))
    }

    /// Has the component say why plans that do not fit the cluster are not carried out: they are
    /// refused, or carried out already. Nobody has given consent, so no change can be sent. The
    /// flag says that all of them are carried out already.
    ///
    /// # Errors
    /// Fails if the recording cannot be started. In that case nothing was sent.
    fn answer(&self, call: Call) -> Result<(Finished, Looked, bool), CommandError> {
        let run = self.invocation(call);
        let (ran, recording) = self.record_through(&run, |network| Box::new(ReadOnly(network)))?;
        let is_done = match &ran.result {
            Ok(Done::CleanedAll(results)) => results.iter().all(Result::is_ok),
            result => result.is_ok(),
        };
        Ok((self.finished(&ran, &run), (ran, recording), is_done))
    }
}

/// Returns plans as the result of the call that makes them.
fn planned_by(mut plans: Vec<CleanupPlan>, is_one: bool) -> Done {
    match plans.pop() {
        Some(plan) if is_one => Done::Planned(plan),
        last => Done::PlannedAll(plans.into_iter().chain(last).map(Ok).collect()),
    }
}

/// Makes the result of a run that would be refused as a whole, according to its plans.
fn refused_by(plans: &[CleanupPlan], is_one: bool) -> Option<Ran> {
    let failures: Option<Vec<_>> =
        plans.iter().map(|plan| Some(refused(plan, plan.refusal?))).collect();
    let mut failures = failures?;
    let frameworks = plans.iter().flat_map(|plan| plan.frameworks.clone()).collect();
    let result = match failures.pop() {
        Some(failure) if is_one => Err(RunError::from(failure)),
        last => Ok(Done::CleanedAll(failures.into_iter().chain(last).map(Err).collect())),
    };
    Some(Ran { result, frameworks, denials: vec![] })
}

/// Makes the failure of a run that would be refused, according to its plan.
fn refused(plan: &CleanupPlan, reason: Reason) -> Failure {
    let report = Report {
        mesos_version: plan.mesos_version.clone(),
        unreached: plan.unreached.clone(),
        ignored: plan.ignored.clone(),
        elsewhere: plan.elsewhere.clone(),
        warnings: plan.warnings.clone(),
        ..Report::NOTHING
    };
    let why = plan.why_refused.as_deref().unwrap_or("a safety check fails.");
    Failure { reason, message: format!("Refused: {why}"), report }
}

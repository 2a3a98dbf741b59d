//! Shows what a plan or a recording contains, without a network.

use std::path::Path;

use janitor_contract::{Call, Done};
use janitor_report::command_line::print::{Caller, Invocation, disabled_checks};
use janitor_report::extent::changes_anything;
use janitor_report::line::{Line, Tone};
use janitor_report::output::{Output, Subject};
use janitor_report::plan_file::PlanFile;
use janitor_report::view::View;
use janitor_report::{ExitCode, inventory, plan, recorded, several, shell, summary};

use crate::component::ComponentArgs;
use crate::document::Document;
use crate::error::CommandError;
use crate::finished::{self, Finished};
use crate::played::Played;
use crate::program;
use crate::screen::Screen;

/// Shows a file.
///
/// # Errors
/// Fails if the file cannot be shown.
pub fn show(
    file: &Path,
    component: &ComponentArgs,
    screen: &Screen,
) -> Result<Finished, CommandError> {
    let view = screen.view(None);
    let (lines, output) = match Document::open(file, component)? {
        Document::Plan(it) => plan_file(file, it, component, &view),
        Document::Recording(played) => recording(file, played, component, &view),
    };
    lines.into_iter().for_each(|line| screen.line(line));
    Ok(Finished::new(ExitCode::Clean, finished::Document::Output(output.into())))
}

/// Describes a plan file: how it was made, what it would do, and how to apply it.
fn plan_file(
    file: &Path,
    plan_file: PlanFile,
    component: &ComponentArgs,
    view: &View,
) -> (Vec<Line>, Output) {
    let mut lines: Vec<Line> = vec![format!("Plan file: {}", file.display()).into()];
    let targets: Vec<_> = plan_file.all().map(|plan| &plan.target).collect();
    let PlanFile { made, endpoints, options, .. } = &plan_file;
    lines.push(match made {
        Some(it) => format!("Made: {} by janitor {}: {}", it.time, it.version, it.command).into(),
        None => "Made: by a version that did not record the time".into(),
    });
    lines.push(summary::header(endpoints, &targets).into());
    let planned = planned(&plan_file);
    lines.extend(match &planned {
        Done::PlannedAll(plans) => several::plans(plans, &targets, options, view.verbose),
        _ => plan_file.all().flat_map(|it| plan::plan(it, options, view.verbose)).collect(),
    });
    let disabled = disabled_checks(options);
    if !disabled.is_empty() {
        let line = format!("This plan disables safety checks: {}", disabled.join(", "));
        lines.push(Line::tone(Tone::Warn, line));
    }
    let changes = plan_file.all().any(|it| it.refusal.is_none() && changes_anything(it, options));
    let caller = Caller { program: program::started(), ..Caller::default() };
    let (options, endpoints, component) = (options.clone(), endpoints.clone(), component.options());
    let call = plan_file.call();
    let run = Invocation { call, options, endpoints, component, caller };
    let subject = Subject::of("", &run);
    let next = match changes {
        true => vec![format!("To apply this plan: {}", run.apply(file))],
        false => vec![],
    };
    lines.extend(next.iter().map(Line::from));
    let output = Output::new(&Ok(planned), next).about(subject);
    (lines, output)
}

/// Returns the plans of a file as the result of the call that makes them.
fn planned(file: &PlanFile) -> Done {
    match &file.plan {
        Some(plan) => Done::Planned(plan.clone()),
        None => Done::PlannedAll(file.plans.iter().cloned().map(Ok).collect()),
    }
}

/// Describes a recording: how it was made, what the run would do again, and how it ended.
fn recording(
    file: &Path,
    played: Played,
    component: &ComponentArgs,
    view: &View,
) -> (Vec<Line>, Output) {
    let Played { creator, run, result, differences, exchanges, plan, .. } = played;
    let call = match &run.call {
        Call::Clean(_) => "a cleanup",
        Call::Plan(_) => "a plan",
        Call::Apply(_) => "a cleanup by a plan",
        Call::Discover => "a listing of everything that is reserved",
        Call::CleanAll(_) => "a cleanup of several targets",
        Call::PlanAll(_) => "plans for several targets",
        Call::ApplyAll(_) => "a cleanup by several plans",
    };
    let mut lines: Vec<Line> = vec![format!("Recording: {}, of {call}", file.display()).into()];
    let began = exchanges.first().map(|it| format!("{} ", it.started)).unwrap_or_default();
    let made = format!(
        "Made: {began}by {} {}, component {}",
        creator.name, creator.version, run.component
    );
    lines.push(made.into());
    lines.push(summary::header(&run.endpoints, &run.call.targets()).into());
    let number = |method: &str| exchanges.iter().filter(|it| it.method == method).count();
    lines.push(
        format!(
            "Requests: {} GET, {} POST, {} DELETE",
            number("GET"),
            number("POST"),
            number("DELETE")
        )
        .into(),
    );
    let caller = Caller { program: program::started(), ..Caller::default() };
    let invocation = Invocation {
        call: run.call.clone(),
        options: run.options.clone(),
        endpoints: run.endpoints.clone(),
        component: component.options(),
        caller,
    };
    match (&result, &run.call) {
        (Ok(Done::Planned(it)), _) => lines.extend(plan::plan(it, &run.options, view.verbose)),
        (_, Call::Apply(it)) => lines.extend(plan::plan(it, &run.options, view.verbose)),
        (Ok(Done::PlannedAll(plans)), call) => {
            lines.extend(several::plans(plans, &call.targets(), &run.options, view.verbose));
        }
        (_, Call::ApplyAll(plans)) => {
            let plans: Vec<_> = plans.iter().cloned().map(Ok).collect();
            let targets = run.call.targets();
            lines.extend(several::plans(&plans, &targets, &run.options, view.verbose));
        }
        (Ok(Done::Discovered(it)), _) => lines.extend(inventory::inventory(it, &invocation, view)),
        _ => {}
    }
    if let Some((plan, options)) = &plan {
        lines.extend(plan::plan(plan, options, view.verbose));
    }
    lines.push("".into());
    lines.extend(recorded::result(&result, &run.call.targets()));
    if let Some(step) = run.stopped_at {
        lines.push(format!("The run was cancelled at step {step}.").into());
    }
    if !differences.is_empty() {
        let line = "This version replays the recording with another result:";
        lines.push(Line::tone(Tone::Warn, line));
        lines.extend(differences.iter().map(|it| Line::from(format!("  {it}"))));
    }
    let next = vec![format!(
        "To replay it line by line: {}",
        invocation.caller.program.with(&["replay".into(), shell::file(file)], true)
    )];
    lines.extend(next.iter().map(Line::from));
    let of_result = Output::new(&result, vec![]);
    let output = Output {
        report: of_result.report,
        parts: of_result.parts,
        inventory: of_result.inventory,
        warnings: of_result.warnings,
        plan: match (of_result.plan, run.call) {
            (Some(plan), _) | (None, Call::Apply(plan)) => Some(plan),
            (None, _) => plan.map(|(plan, _)| plan),
        },
        next,
        ..Output::without_run(ExitCode::Clean, None).about(Subject::of("", &invocation))
    };
    (lines, output)
}

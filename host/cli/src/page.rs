//! Writes a page that shows a recording or a plan in a browser. The page is built from the modules
//! in `docs/viewer`, and this module puts the data into it.

use std::io::{self, Write};
use std::path::Path;

use janitor_contract::types::{Options, Target};
use janitor_contract::{Call, Endpoints, json};
use janitor_report::ExitCode;
use janitor_report::output::{Output, Subject};
use janitor_report::plan_file::PlanFile;
use serde::Serialize;

use crate::component::ComponentArgs;
use crate::document::Document;
use crate::error::CommandError;
use crate::finished::{self, Finished};
use crate::played::{Exchanged, Played, Step};
use crate::screen::Screen;

/// The page without its data. `node docs/viewer/build.mjs --report host/cli/src/report.html` builds
/// it.
const PAGE: &str = include_str!("report.html");

/// The text in the page after which the data begins.
const PLACE: &str = "<script id=\"data\" type=\"application/json\">";

/// The data of a page. Its parts have the form of the documents for programs.
#[derive(Serialize)]
struct Data {
    /// The name of the file.
    file: String,
    /// The version of janitor that wrote the page.
    version: &'static str,
    plan: Option<PlanFile>,
    recording: Option<Recording>,
}

/// The data of a recording.
#[derive(Serialize)]
struct Recording {
    /// The program that recorded it.
    made: String,
    component: String,
    call: &'static str,
    target: Option<Target>,
    options: Options,
    endpoints: Endpoints,
    differences: Vec<String>,
    result: Output,
    exchanges: Vec<Exchanged>,
    steps: Vec<Step>,
}

/// Writes the page about a file.
///
/// # Errors
/// Fails if the file cannot be shown, or the page cannot be written.
pub fn write(
    file: &Path,
    page: &Path,
    component: &ComponentArgs,
    screen: &Screen,
) -> Result<Finished, CommandError> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let data = Data { file: name, version: env!("CARGO_PKG_VERSION"), plan: None, recording: None };
    let data = match Document::open(file, component)? {
        Document::Plan(plan) => Data { plan: Some(plan), ..data },
        Document::Recording(played) => Data { recording: Some(played.into()), ..data },
    };
    let unwritten = |why: io::Error| format!("cannot write the page {}: {why}", page.display());
    let json = json::line(&data).map_err(|why| unwritten(why.into()))?;
    janitor_file::write(page, |writer| put(writer, &json)).map_err(unwritten)?;
    screen.line(format!("The page {} is written: open it in a browser.", page.display()));
    let output = Output::without_run(ExitCode::Clean, None);
    Ok(Finished::new(ExitCode::Clean, finished::Document::Output(output.into())))
}

/// Writes the page with this data. The data is JSON, in which `<` occurs only in texts, where it can
/// be escaped. So no text ends the element that contains the data, or begins another one.
fn put(mut writer: impl Write, json: &[u8]) -> io::Result<()> {
    let (before, after) = PAGE.split_once(PLACE).unwrap_or((PAGE, ""));
    writer.write_all(before.as_bytes())?;
    writer.write_all(PLACE.as_bytes())?;
    for (index, part) in json.split(|byte| *byte == b'<').enumerate() {
        if index > 0 {
            writer.write_all(b"\\u003c")?;
        }
        writer.write_all(part)?;
    }
    writer.write_all(after.as_bytes())
}

impl From<Played> for Recording {
    fn from(played: Played) -> Self {
        let Played { creator, run, result, differences, steps, exchanges, plan } = played;
        let targets = run.call.targets().into_iter().cloned().collect();
        let subject = Subject { targets, ..Subject::default() };
        let result = Output::new(&result, vec![]).about(subject);
        let plan = match (&result.plan, &run.call) {
            (Some(plan), _) | (None, Call::Apply(plan)) => Some(plan.clone()),
            (None, _) => plan.map(|(plan, _)| plan),
        };
        Self {
            made: format!("{} {}", creator.name, creator.version),
            component: run.component,
            call: match run.call {
                Call::Clean(_) => "clean",
                Call::Plan(_) => "plan",
                Call::Apply(_) => "apply",
                Call::Discover => "discover",
                Call::CleanAll(_) => "clean",
                Call::PlanAll(_) => "plan",
                Call::ApplyAll(_) => "apply",
            },
            target: run.call.target().cloned(),
            options: run.options,
            endpoints: run.endpoints,
            differences,
            result: Output { plan, ..result },
            exchanges,
            steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_data() {
        let hostile = "</script><!--<script>\u{2028}";
        let json = json::line(&hostile).unwrap();
        let mut page = Vec::new();
        put(&mut page, &json).unwrap();
        let page = String::from_utf8(page).unwrap();
        let (_, data) = page.split_once(PLACE).unwrap();
        let (data, _) = data.split_once("</script>").unwrap();
        assert!(!data.contains('<'), "{data}");
        let read: String = serde_json::from_str(data).unwrap();
        assert_eq!(read, hostile);
    }

    /// The page is part of the command, whose size has a limit.
    #[test]
    fn the_page_is_small_and_has_one_place_for_its_data() {
        assert!(PAGE.len() < 100_000, "{} bytes", PAGE.len());
        assert_eq!(PAGE.matches(PLACE).count(), 1);
        assert!(PAGE.contains("default-src 'none'") && PAGE.contains("connect-src 'none'"));
    }
}

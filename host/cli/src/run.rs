//! Carries out a request: all of its effects, except for the last lines and the document.

use janitor_report::ExitCode;
use janitor_report::inspection::Inspection;

use crate::error::CommandError;
use crate::finished::{Document, Finished};
use crate::inspect::inspection;
use crate::request::Request;
use crate::screen::Screen;
use crate::signals::Stage;
use crate::{cluster, page, replay, show};

/// Carries out a request.
///
/// # Errors
/// Fails if the work could not begin.
pub fn run(request: &Request, screen: &Screen) -> Result<Finished, CommandError> {
    match request {
        Request::Cluster(request) => cluster::run(request, screen, &Stage::watch(screen)),
        Request::Replay(place, component) => replay::replay(place, component, screen),
        Request::Show(file, component) => show::show(file, component, screen),
        Request::Report(file, page, component) => page::write(file, page, component, screen),
        Request::Inspect(target, options, component, settings) => {
            let inspection = Inspection {
                settings: settings.shown(),
                ..inspection(&component.load()?, target, options)
            };
            let lines = inspection.lines().into_iter().map(Into::into).collect();
            let document = Document::Inspection(inspection.into());
            Ok(Finished { lines, ..Finished::new(ExitCode::Clean, document) })
        }
        Request::Print(file) => Ok(Finished::new(ExitCode::Clean, Document::File(file.clone()))),
    }
}

//! Loads the component to run: the embedded one, or one from a file.

use std::path::Path;

use clap::Args;
use janitor_host::{Janitor, LoadError};
use janitor_report::ExitCode;
use janitor_report::command_line::print::Valued;

use crate::error::CommandError;

/// The options that name a component to run instead of the embedded one. Only a program with a
/// compiler has them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Component")]
pub struct ComponentArgs {
    /// File with a component (WebAssembly) to run instead of the embedded one
    #[cfg(feature = "jit")]
    #[arg(long, value_name = "FILE")]
    pub component: Option<std::path::PathBuf>,
    /// Digest that this component must have; otherwise nothing is run
    #[cfg(feature = "jit")]
    #[arg(long, value_name = "sha256:DIGEST", requires = "component")]
    #[arg(value_parser = digest)]
    pub component_digest: Option<String>,
}

impl ComponentArgs {
    /// Loads the component, without running any of it.
    ///
    /// # Errors
    /// Fails if there is no component that may be run.
    pub fn load(&self) -> Result<Janitor, CommandError> {
        let unloaded =
            |why: LoadError| CommandError::Component(ExitCode::Violation, format!("{why}."));
        #[cfg(feature = "jit")]
        if let Some(file) = &self.component {
            /// A limit above the size of any component.
            const MOST_BYTES: u64 = 256 << 20;
            let wasm = janitor_file::read(file, MOST_BYTES).map_err(|why| {
                let why = format!("cannot read {}: {why}", file.display());
                CommandError::Component(ExitCode::Usage, why)
            })?;
            let found = janitor_host::digest(&wasm);
            if let Some(wanted) = self.component_digest.clone().filter(|wanted| *wanted != found) {
                let why =
                    format!("The component was not started: its digest is {found}, not {wanted}.");
                return Err(CommandError::Component(ExitCode::Violation, why));
            }
            return Janitor::from_component(&wasm).map_err(unloaded);
        }
        Janitor::new().map_err(unloaded)
    }

    /// Returns the file of the component, with its option.
    pub fn file(&self) -> Option<(&'static str, &Path)> {
        #[cfg(feature = "jit")]
        return Some(("--component", self.component.as_deref()?));
        #[cfg(not(feature = "jit"))]
        None
    }

    /// Returns the options that name the component on another command line.
    pub fn options(&self) -> Vec<Valued> {
        #[cfg(feature = "jit")]
        if let Some(file) = &self.component {
            let file = ("--component", file.display().to_string());
            let digest = self.component_digest.clone().map(|digest| ("--component-digest", digest));
            return [file].into_iter().chain(digest).collect();
        }
        vec![]
    }
}

/// Parses a digest in the form that `janitor inspect` shows.
#[cfg(feature = "jit")]
fn digest(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    match digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("expected sha256: and 64 hexadecimal digits".into()),
    }
}

//! Which component is run: the embedded one, or one from a file.

use std::path::Path;

use clap::Args;
use janitor_host::{Janitor, Violation};
use janitor_report::ExitCode;
use janitor_report::output::Output;

use crate::screen::{Console, complain};

/// Another component than the embedded one. Only a program with a compiler has it.
#[derive(Debug, Args)]
#[command(next_help_heading = "The component")]
pub struct Component {
    /// A file with a component (WebAssembly), to run instead of the embedded one
    #[cfg(feature = "jit")]
    #[arg(long, value_name = "FILE")]
    pub component: Option<std::path::PathBuf>,
    /// The digest that this component must have, or nothing is run
    #[cfg(feature = "jit")]
    #[arg(long, value_name = "sha256:DIGEST", requires = "component")]
    #[arg(value_parser = digest)]
    pub component_digest: Option<String>,
}

/// Why there is no component.
enum Missing {
    /// The file cannot be read.
    #[cfg(feature = "jit")]
    Unreadable(String),
    /// It may not be run, or cannot be.
    Violation(Violation),
}

impl Component {
    /// Loads what is to be run. Nothing runs yet.
    ///
    /// # Errors
    /// The exit code, and why.
    pub fn load(&self) -> Result<Janitor, (ExitCode, String)> {
        self.loaded().map_err(|missing| match missing {
            #[cfg(feature = "jit")]
            Missing::Unreadable(why) => (ExitCode::Usage, why),
            Missing::Violation(why) => (ExitCode::Violation, format!("{why}.")),
        })
    }

    /// The same, and tells what is wrong.
    ///
    /// # Errors
    /// The exit code.
    pub fn load_or_tell(&self, console: Console) -> Result<Janitor, ExitCode> {
        self.load().map_err(|(code, why)| {
            complain(&why);
            console.document(&Output::failed(code, Some(why)));
            code
        })
    }

    /// The file that it is in, with its option.
    pub fn file(&self) -> Option<(&'static str, &Path)> {
        #[cfg(feature = "jit")]
        return Some(("--component", self.component.as_deref()?));
        #[cfg(not(feature = "jit"))]
        None
    }

    /// The options that say so on another command line.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        #[cfg(feature = "jit")]
        if let Some(file) = &self.component {
            let file = ("--component", file.display().to_string());
            let digest = self.component_digest.clone().map(|digest| ("--component-digest", digest));
            return [file].into_iter().chain(digest).collect();
        }
        vec![]
    }

    fn loaded(&self) -> Result<Janitor, Missing> {
        #[cfg(feature = "jit")]
        if let Some(file) = &self.component {
            /// More than any component has.
            const MOST_BYTES: u64 = 256 << 20;
            let wasm = janitor_transport::file::read(file, MOST_BYTES).map_err(|why| {
                Missing::Unreadable(format!("cannot read {}: {why}", file.display()))
            })?;
            let found = janitor_host::digest(&wasm);
            if let Some(wanted) = self.component_digest.clone().filter(|wanted| *wanted != found) {
                return Err(Missing::Violation(Violation::Digest { wanted, found }));
            }
            return Janitor::from_component(&wasm).map_err(Missing::Violation);
        }
        Janitor::new().map_err(Missing::Violation)
    }
}

/// A digest as `janitor inspect` shows it.
#[cfg(feature = "jit")]
fn digest(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    match digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a digest is sha256: and 64 hexadecimal digits".into()),
    }
}

//! A step that runs in the background, beside others: linking the release keeps one core busy for
//! minutes, and leaves the rest idle. Its output is printed as a whole when it has ended.

use std::env;
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::install;
use crate::program::Result;

/// The step that runs in the background if others run too.
pub const STEP: &str = "release";

/// The step that needs what the other one builds.
pub const NEEDED_BY: &str = "tests";

/// The file that its output is written to.
const OUTPUT: &str = "target/release.log";

/// The step, which has been started.
pub struct Background {
    child: Child,
    start: Instant,
}

impl Background {
    /// Starts the step as a process of its own. The target that other steps need too is installed before, and not
    /// by two of them at once.
    pub fn start() -> Result<Self> {
        install::components_target()?;
        fs::create_dir_all("target")?;
        let output = File::create(OUTPUT)?;
        let child = Command::new(env::current_exe()?)
            .arg(STEP)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        say!("It runs in the background; its output is in {OUTPUT}");
        Ok(Self { child, start: Instant::now() })
    }

    /// Waits until the step has ended, prints its output, and returns how long it took.
    pub fn wait(mut self) -> (Duration, Result) {
        let status = self.child.wait();
        let time = self.start.elapsed();
        say!("{}", fs::read_to_string(OUTPUT).unwrap_or_default().trim_end());
        let result = match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("its process ended with {status}").into()),
            Err(why) => Err(why.into()),
        };
        (time, result)
    }
}

//! Room for a run, where the operator limits how many there are at a time. Instances share
//! nothing but what the runtime gives to each of them: here a folder, in which each run has
//! a file.

use janitor_report::ExitCode;
use wasip2::clocks::wall_clock;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

use crate::answer::Refusal;
use crate::operator::Operator;

/// The variable that says how many runs there may be at a time.
pub const MAX_RUNS: &str = "JANITOR_MAX_RUNS";

/// The folder's path, for the service.
const FOLDER: &str = "/runs";

/// The seconds that a place stays taken beyond the time of a run, for one that was cut off
/// before it could give it back: the last looks of a run get a minute more.
const GRACE: u64 = 120;

/// A run's place, until it is dropped.
pub struct Place {
    folder: Descriptor,
    name: String,
}

impl Place {
    /// Takes a place, if the operator limits how many there are.
    ///
    /// # Errors
    /// When all of them are taken, or there is no folder to know it by.
    pub fn take(operator: &Operator) -> Result<Option<Self>, Refusal> {
        let Some(most) = operator.max_runs else { return Ok(None) };
        let folders = get_directories();
        let folder = folders.into_iter().find_map(|(it, path)| (path == FOLDER).then_some(it));
        let folder = folder.ok_or_else(|| {
            let why = format!(
                "{MAX_RUNS} needs a folder of the service's own at {FOLDER} (wasmtime serve --dir \
                 FOLDER::{FOLDER})"
            );
            Refusal::misconfigured(ExitCode::Usage, why)
        })?;
        for number in 0..most {
            let name = format!("run-{number}");
            // At most once more: somebody else may have been faster.
            let taken = match create(&folder, &name) {
                Err(ErrorCode::Exist) if is_left_over(&folder, &name, operator.run_seconds) => {
                    let _ = folder.unlink_file_at(&name);
                    create(&folder, &name)
                }
                taken => taken,
            };
            match taken {
                Ok(()) => return Ok(Some(Self { folder, name })),
                Err(ErrorCode::Exist) => {}
                Err(why) => {
                    let why = format!("nothing can be written to the folder at {FOLDER}: {why}");
                    return Err(Refusal::misconfigured(ExitCode::Usage, why));
                }
            }
        }
        Err(Refusal::busy(most))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // If that fails, the place is free again when the run could have taken no longer.
        let _ = self.folder.unlink_file_at(&self.name);
    }
}

fn create(folder: &Descriptor, name: &str) -> Result<(), ErrorCode> {
    let new = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    folder.open_at(PathFlags::empty(), name, new, DescriptorFlags::WRITE).map(drop)
}

/// Whether a file is that of a run which cannot be there any more.
fn is_left_over(folder: &Descriptor, name: &str, run_seconds: u32) -> bool {
    let state = folder.stat_at(PathFlags::empty(), name);
    let began = state.ok().and_then(|state| state.data_modification_timestamp);
    let end = began.map(|began| began.seconds + u64::from(run_seconds) + GRACE);
    end.is_some_and(|end| end < wall_clock::now().seconds)
}

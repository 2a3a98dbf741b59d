//! Limits the number of concurrent runs, if the operator provides a folder. Instances share nothing
//! except what the runtime gives to each of them: here a folder in which each run has a file.

use janitor_report::ExitCode;
use wasip2::clocks::wall_clock;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

use crate::operator::{MAX_RUNS, Operator};
use crate::response::Refusal;

/// The path of the folder within the service.
const FOLDER: &str = "/runs";

/// The maximum number of concurrent runs, unless the operator sets another one. wasmtime's defaults
/// have room for 125; the others are for requests that are refused.
const MOST: u32 = 100;

/// The seconds for which a slot stays taken beyond the time limit of a run that ended without
/// freeing it: a run may still send reads for up to a minute after its time limit.
const GRACE: u64 = 120;

/// The slot of a run, freed when it is dropped.
pub struct Slot {
    folder: Descriptor,
    name: String,
}

impl Slot {
    /// Takes a slot, if there is a folder for them.
    ///
    /// # Errors
    /// Fails if all slots are taken, if the folder is not writable, or if it is missing although the
    /// operator sets a limit.
    pub fn take(operator: &Operator) -> Result<Option<Self>, Refusal> {
        let folders = get_directories();
        let folder = folders.into_iter().find_map(|(it, path)| (path == FOLDER).then_some(it));
        let (folder, most) = match (folder, operator.max_runs) {
            (Some(folder), most) => (folder, most.unwrap_or(MOST)),
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                let why = format!(
                    "{MAX_RUNS} needs a folder at {FOLDER} (wasmtime serve --dir \
                     FOLDER::{FOLDER})"
                );
                return Err(Refusal::misconfigured(ExitCode::Usage, why));
            }
        };
        for number in 0..most {
            let name = format!("run-{number}");
            let taken = match create(&folder, &name) {
                Err(ErrorCode::Exist) => take_over(&folder, &name, operator.run_seconds),
                taken => taken,
            };
            match taken {
                Ok(()) => return Ok(Some(Self { folder, name })),
                Err(ErrorCode::Exist) => {}
                Err(why) => {
                    let why = format!("cannot write to the folder at {FOLDER}: {why}");
                    return Err(Refusal::misconfigured(ExitCode::Usage, why));
                }
            }
        }
        Err(Refusal::busy(most))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // If this fails, the slot becomes free once the run's time limit has passed.
        let _ = self.folder.unlink_file_at(&self.name);
    }
}

fn create(folder: &Descriptor, name: &str) -> Result<(), ErrorCode> {
    let new = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    folder.open_at(PathFlags::empty(), name, new, DescriptorFlags::WRITE).map(drop)
}

/// Takes the slot of a run that must be over. Its file is removed only by the instance that creates
/// the lock for it, so that none removes the file of another instance that was faster.
///
/// # Errors
/// Fails with `Exist` if the slot stays taken.
fn take_over(folder: &Descriptor, name: &str, run_seconds: u32) -> Result<(), ErrorCode> {
    let began = left_over(folder, name, run_seconds).ok_or(ErrorCode::Exist)?;
    let lock = format!("{name}-{}.{}", began.0, began.1);
    create(folder, &lock)?;
    let taken = match left_over(folder, name, run_seconds) == Some(began) {
        true => folder.unlink_file_at(name).and_then(|()| create(folder, name)),
        false => Err(ErrorCode::Exist),
    };
    let _ = folder.unlink_file_at(&lock);
    taken
}

/// Returns the time of a file, in seconds and nanoseconds, if it belongs to a run that must be over.
fn left_over(folder: &Descriptor, name: &str, run_seconds: u32) -> Option<(u64, u32)> {
    let began = folder.stat_at(PathFlags::empty(), name).ok()?.data_modification_timestamp?;
    let end = began.seconds + u64::from(run_seconds) + GRACE;
    (end < wall_clock::now().seconds).then_some((began.seconds, began.nanoseconds))
}

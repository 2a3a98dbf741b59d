//! The events of an episode, in a folder of its own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::Result;

/// The events of an episode, with their times, and the folder with all that explains them.
pub struct Log {
    /// The folder.
    pub folder: PathBuf,
    start: Instant,
    file: Mutex<File>,
    runs: AtomicUsize,
}

impl Log {
    /// Begins a log in an empty folder.
    pub fn new(folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let file = Mutex::new(File::create(folder.join("events.txt"))?);
        Ok(Self { folder: folder.into(), start: Instant::now(), file, runs: AtomicUsize::new(0) })
    }

    /// Adds an event.
    pub fn note(&self, event: &str) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let event = event.replace('\n', " ");
        // A full disk shows elsewhere.
        let _ = writeln!(file, "{:9.3} {event}", self.start.elapsed().as_secs_f64());
    }

    /// Adds a list.
    pub fn list<T: ToString>(&self, name: &str, list: impl IntoIterator<Item = T>) -> Result<()> {
        let lines: String = list.into_iter().map(|it| format!("{}\n", it.to_string())).collect();
        Ok(fs::write(self.folder.join(name), lines)?)
    }

    /// Returns the name of the next run.
    pub fn next_run(&self) -> String {
        format!("run-{:02}", self.runs.fetch_add(1, Relaxed) + 1)
    }

    /// Deletes the folder.
    pub fn discard(self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }
}

//! Keeps what passes through another transport: in memory until the run is over,
//! then in a file.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tempfile::NamedTempFile;

use super::har::{Cache, Entry, Har, RequestEntry, ResponseEntry, Run, Timings, size};
use super::scrub::scrub;
use super::{Body, Exchange, Request, Response, Transport};
use crate::bindings::http::Error;
use crate::http;

/// A recording in the making.
pub struct Recording {
    har: Shared,
    file: PathBuf,
}

impl Recording {
    /// Begins a recording that will be in `file`.
    ///
    /// # Errors
    /// When nothing can be written there: better now than after the run.
    pub fn begin(file: &Path, run: Run) -> io::Result<Self> {
        if file.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A run that is killed leaves nothing behind.
        beside(file)?.close()?;
        let run = Run { elapsed: Some(Vec::new()), ..run };
        let har = Shared(Arc::new(Mutex::new(Har::new(run))));
        Ok(Self { har, file: file.into() })
    }

    /// A transport that sends through another one and keeps what passes.
    pub fn through(&self, transport: Box<dyn Transport>) -> Box<dyn Transport> {
        Box::new(Recorder { recording: self.har.clone(), transport })
    }

    /// Whether every request has got an answer.
    pub fn is_complete(&self) -> bool {
        self.har.har().log.entries.iter().all(|entry| entry.response.status != 0)
    }

    /// Writes the file: all of it or, when that fails, nothing; what was there before
    /// then stays. Call this when the run is over, however it ended, with
    /// the step at which it noticed that it was to end ([`Stop::noticed`]).
    ///
    /// [`Stop::noticed`]: crate::Stop::noticed
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self, stopped_at: Option<u64>) -> io::Result<()> {
        self.har.har().log.janitor.stopped_at = stopped_at;
        let mut unfinished = beside(&self.file)?;
        let mut writer = BufWriter::new(&mut unfinished);
        serde_json::to_writer_pretty(&mut writer, &*self.har.har())?;
        writer.write_all(b"\n")?;
        writer.flush()?;
        drop(writer);
        unfinished.as_file().sync_all()?;
        unfinished.persist(&self.file)?;
        Ok(())
    }
}

/// A file beside another one, which it can take the place of.
fn beside(file: &Path) -> io::Result<NamedTempFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// What recording and recorders share.
#[derive(Clone)]
struct Shared(Arc<Mutex<Har>>);

impl Shared {
    fn har(&self) -> MutexGuard<'_, Har> {
        // Every change is made in one step, so there is nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.har().log.entries.get_mut(index) {
            change(entry);
        }
    }
}

struct Recorder {
    recording: Shared,
    transport: Box<dyn Transport>,
}

impl Transport for Recorder {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let entry = Entry {
            started_date_time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            time: 0.0,
            request: RequestEntry::new(&request),
            response: ResponseEntry::none(),
            cache: Cache {},
            timings: Timings { send: 0.0, wait: 0.0, receive: 0.0 },
            error: None,
        };
        let index = {
            let entries = &mut self.recording.har().log.entries;
            entries.push(entry);
            entries.len() - 1
        };
        Box::new(Recorded {
            recording: self.recording.clone(),
            index,
            began: Instant::now(),
            exchange: self.transport.send(request),
        })
    }

    fn pause(&mut self, duration: Duration) {
        self.transport.pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        let now = self.transport.elapsed(real);
        let run = &mut self.recording.har().log.janitor;
        run.elapsed.get_or_insert_default().push(http::milliseconds(now));
        now
    }
}

struct Recorded {
    recording: Shared,
    index: usize,
    began: Instant,
    exchange: Box<dyn Exchange>,
}

impl Exchange for Recorded {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Self { recording, index, began, exchange } = *self;
        let result = exchange.finish();
        let wait = milliseconds(began);
        recording.change(index, |entry| {
            entry.time = wait;
            entry.timings.wait = wait;
            entry.error = result.as_ref().err().cloned();
        });
        let Response { status, content_type, body } = result?;
        let tee = Tee {
            recording,
            index,
            began,
            status,
            content_type: content_type.clone(),
            body,
            read: Vec::new(),
            error: None,
        };
        Ok(Response { status, content_type, body: Box::new(tee) })
    }
}

/// A body that is kept while it is read, and recorded when it is let go.
struct Tee {
    recording: Shared,
    index: usize,
    began: Instant,
    status: u16,
    content_type: Option<String>,
    body: Box<dyn Body>,
    read: Vec<u8>,
    error: Option<Error>,
}

impl Body for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        match self.body.read(buffer) {
            Ok(count) => {
                self.read.extend_from_slice(buffer.get(..count).unwrap_or_default());
                Ok(count)
            }
            Err(error) => {
                self.error = Some(error.clone());
                Err(error)
            }
        }
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        let body = scrub(&self.read);
        let mut response = ResponseEntry::new(self.status, self.content_type.as_deref(), &body);
        response.body_size = size(self.read.len());
        let (time, error) = (milliseconds(self.began), self.error.take());
        self.recording.change(self.index, |entry| {
            entry.time = time;
            entry.timings.receive = (time - entry.timings.wait).max(0.0);
            entry.response = response;
            entry.error = error;
        });
    }
}

/// The time since then, to the microsecond.
fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_micros() as f64 / 1000.0
}

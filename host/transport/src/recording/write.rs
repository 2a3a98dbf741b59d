//! Records the exchanges of another transport. Until the run has ended, they are kept in a file
//! without a name, beside the final file. Only exchanges in flight are in memory.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};

use super::har::{
    Cache, Creator, Entry, Har, Log, RequestEntry, ResponseEntry, Run, Timings, size,
};
use super::scrub::scrub;
use crate::exchange::{self, Body, Exchange, Request, Response, RunStart, Transport};
use janitor_contract::types::Error;
use janitor_contract::{Endpoints, json};

/// A recording that is being written.
pub struct Recording {
    tape: Shared,
    file: PathBuf,
}

impl fmt::Debug for Recording {
    /// Writes the file, but not the responses of servers.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Recording").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Recording {
    /// Checks that a recording could be written to this path, before a run or a login.
    ///
    /// # Errors
    /// Fails if it could not.
    pub fn check(file: &Path) -> io::Result<()> {
        janitor_file::beside(file).map(drop)
    }

    /// Starts a recording that will be written to `file`.
    ///
    /// # Errors
    /// Fails if the file could not be written: before the run rather than after it.
    pub fn begin(file: &Path, run: Run) -> io::Result<Self> {
        Ok(Self::on(janitor_file::beside(file)?, file, run))
    }

    /// Starts a recording that is kept in this unnamed file until it is finished.
    fn on(spool: File, file: &Path, run: Run) -> Self {
        let run = Run { elapsed: Some(Vec::new()), ..run };
        let tape = Tape { run, entries: Vec::new(), spool, length: 0, in_memory: 0, lost: None };
        Self { tape: Shared(Arc::new(Mutex::new(tape))), file: file.into() }
    }

    /// Returns a transport that sends through another one and records the exchanges.
    pub fn through(&self, transport: Box<dyn Transport>) -> Box<dyn Transport> {
        let endpoints = self.tape.tape().run.endpoints.clone();
        Box::new(Recorder { recording: self.tape.clone(), endpoints, transport })
    }

    /// Returns whether every request has a response.
    pub fn is_complete(&self) -> bool {
        self.tape.tape().entries.iter().all(|kept| kept.is_answered)
    }

    /// Writes the file completely or, if that fails, not at all; an existing file then stays
    /// unchanged. Call this when the run has ended, whatever its result, with the step at which the
    /// run noticed its cancellation ([`CancellationToken::noticed`]).
    ///
    /// [`CancellationToken::noticed`]: crate::CancellationToken::noticed
    ///
    /// # Errors
    /// Fails if the file cannot be written, or if a part of the recording was lost.
    pub fn finish(self, stopped_at: Option<u64>) -> io::Result<()> {
        let tape = &mut *self.tape.tape();
        if let Some(why) = tape.lost.take() {
            return Err(why);
        }
        tape.run.stopped_at = stopped_at;
        janitor_file::write(&self.file, |writer| Ok(json::write_lines(writer, &tape.har())?))
    }
}

/// The recorded part of a run.
struct Tape {
    run: Run,
    /// The exchanges, in the order in which they were sent.
    entries: Vec<Kept>,
    /// The file with the entries of completed exchanges, as JSON.
    spool: File,
    /// The length of that file, in bytes.
    length: u64,
    /// The number of bytes in memory of bodies that are still being read.
    in_memory: u64,
    /// The reason why there will be no recording, if a part of it could not be kept.
    lost: Option<io::Error>,
}

/// One exchange.
struct Kept {
    is_answered: bool,
    place: Place,
}

/// The place of an entry.
enum Place {
    /// The entry is in memory, because its exchange is in flight.
    Here(Box<Entry>),
    /// The entry is in the spool, at this position and with this length.
    Spooled(u64, u64),
    /// The entry no longer exists, because the recording is lost.
    Lost,
}

impl Tape {
    /// The most bytes in memory of bodies that are still being read: the limit of one body.
    const MOST_IN_MEMORY: u64 = 1 << 30;

    /// Changes an entry whose exchange is in flight.
    fn change(&mut self, index: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(Kept { place: Place::Here(entry), .. }) = self.entries.get_mut(index) {
            change(entry);
        }
    }

    /// Moves the entry of a completed exchange from memory to the spool.
    fn put_away(&mut self, index: usize) {
        let Some(Kept { is_answered, place }) = self.entries.get_mut(index) else { return };
        let Place::Here(entry) = std::mem::replace(place, Place::Lost) else { return };
        *is_answered = entry.response.status != 0;
        if self.lost.is_some() {
            return;
        }
        match append(&mut self.spool, self.length, &entry) {
            Ok(length) => {
                *place = Place::Spooled(self.length, length);
                self.length += length;
            }
            Err(why) => self.lose(why),
        }
    }

    /// Abandons the recording, and releases its disk space and memory.
    fn lose(&mut self, why: io::Error) {
        // A spool that cannot be emptied is deleted when the run has ended.
        let _ = self.spool.set_len(0);
        self.lost = Some(why);
    }

    /// Returns whether this many more bytes of unfinished bodies fit in memory, and counts them.
    fn has_room(&mut self, bytes: usize) -> bool {
        if self.lost.is_some() {
            return false;
        }
        let wanted = self.in_memory + bytes as u64;
        if wanted > Self::MOST_IN_MEMORY {
            self.lose(io::Error::other(format!(
                "more than {} bytes of responses were being read at the same time",
                Self::MOST_IN_MEMORY
            )));
            return false;
        }
        self.in_memory = wanted;
        true
    }

    /// Returns the content of the file.
    fn har(&self) -> Whole<'_> {
        let Har { log } = Har::new(self.run.clone());
        let Log { version, creator, janitor, entries: _ } = log;
        Whole { log: WholeLog { version, creator, janitor, entries: Entries(self) } }
    }
}

/// Appends an entry to a spool, and returns its length there.
fn append(spool: &mut File, end: u64, entry: &Entry) -> io::Result<u64> {
    spool.seek(SeekFrom::Start(end))?;
    let mut writer = BufWriter::new(&mut *spool);
    serde_json::to_writer(&mut writer, entry)?;
    writer.flush()?;
    drop(writer);
    Ok(spool.stream_position()? - end)
}

/// A [`Har`] that never has all of its entries in memory.
#[derive(Serialize)]
struct Whole<'a> {
    log: WholeLog<'a>,
}

#[derive(Serialize)]
struct WholeLog<'a> {
    version: String,
    creator: Creator,
    #[serde(rename = "_janitor")]
    janitor: Run,
    entries: Entries<'a>,
}

struct Entries<'a>(&'a Tape);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Tape { entries, spool, .. } = self.0;
        let mut list = serializer.serialize_seq(Some(entries.len()))?;
        for Kept { place, .. } in entries {
            match place {
                Place::Here(entry) => list.serialize_element(entry)?,
                Place::Spooled(begin, length) => {
                    let entry = spooled(spool, *begin, *length).map_err(S::Error::custom)?;
                    list.serialize_element(&entry)?;
                }
                Place::Lost => return Err(S::Error::custom("an exchange was not kept")),
            }
        }
        list.end()
    }
}

/// Reads an entry from a spool.
fn spooled(mut spool: &File, begin: u64, length: u64) -> io::Result<Entry> {
    spool.seek(SeekFrom::Start(begin))?;
    let mut json = Vec::new();
    spool.take(length).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// The state that a recording shares with its recorders.
#[derive(Clone)]
struct Shared(Arc<Mutex<Tape>>);

impl Shared {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        // Every change is made in one step, so the state is always consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Recorder {
    recording: Shared,
    /// The servers of the run.
    endpoints: Endpoints,
    transport: Box<dyn Transport>,
}

impl Transport for Recorder {
    fn endpoints(&self) -> Option<&Endpoints> {
        Some(&self.endpoints)
    }

    fn begin(&mut self, run: &RunStart) {
        self.transport.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let entry = Entry {
            started_date_time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            time: 0.0,
            request: RequestEntry::new(&request, &self.endpoints),
            response: ResponseEntry::none(),
            cache: Cache {},
            timings: Timings { send: 0.0, wait: 0.0, receive: 0.0 },
            error: None,
        };
        let index = {
            let entries = &mut self.recording.tape().entries;
            entries.push(Kept { is_answered: false, place: Place::Here(entry.into()) });
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
        let run = &mut self.recording.tape().run;
        run.elapsed.get_or_insert_default().push(exchange::milliseconds(now));
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
        let result = crate::exchange::finish(exchange);
        let wait = milliseconds_since(began);
        let mut tape = recording.tape();
        tape.change(index, |entry| {
            entry.time = wait;
            entry.timings.wait = wait;
            entry.error = result.as_ref().err().cloned();
        });
        if result.is_err() {
            tape.put_away(index);
        }
        drop(tape);
        let Response { status, content_type, body } = result?;
        let tee = Tee {
            recording,
            index,
            began,
            status,
            content_type: content_type.clone(),
            body,
            read: Vec::new(),
            length: 0,
            error: None,
        };
        Ok(Response { status, content_type, body: Box::new(tee) })
    }
}

/// A body that is kept while it is read, and recorded when it is dropped.
struct Tee {
    recording: Shared,
    index: usize,
    began: Instant,
    status: u16,
    content_type: Option<String>,
    body: Box<dyn Body>,
    /// The bytes that were read, unless the recording is lost.
    read: Vec<u8>,
    /// The number of bytes that were read.
    length: usize,
    error: Option<Error>,
}

impl Body for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        match self.body.read(buffer) {
            Ok(count) => {
                self.length += count;
                let has_room = self.recording.tape().has_room(count);
                match has_room {
                    true => self.read.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                    false => self.read = Vec::new(),
                }
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
        let read = std::mem::take(&mut self.read);
        let kept = read.len() as u64;
        let body = scrub(&read);
        drop(read);
        let mut response = ResponseEntry::new(self.status, self.content_type.as_deref(), body);
        response.body_size = size(self.length);
        let (time, error) = (milliseconds_since(self.began), self.error.take());
        let mut tape = self.recording.tape();
        tape.change(self.index, |entry| {
            entry.time = time;
            entry.timings.receive = (time - entry.timings.wait).max(0.0);
            entry.response = response;
            entry.error = error;
        });
        tape.put_away(self.index);
        tape.in_memory -= kept;
    }
}

/// Returns the time since then, in milliseconds with microsecond precision.
fn milliseconds_since(then: Instant) -> f64 {
    then.elapsed().as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::recording::read::Replay;
    use janitor_contract::call::Call;
    use janitor_contract::types::{Endpoint, Method, Options};

    /// A server that answers every request with the same body.
    struct Repeating(&'static [u8]);

    impl Transport for Repeating {
        fn send(&mut self, _: Request) -> Box<dyn Exchange> {
            Box::new(Repeated(self.0))
        }

        fn pause(&mut self, _: Duration) {}
    }

    struct Repeated(&'static [u8]);

    impl Exchange for Repeated {
        fn finish(self: Box<Self>) -> Result<Response, Error> {
            let body = Box::new(Cursor::new(self.0.to_vec()));
            Ok(Response { status: 200, content_type: None, body })
        }
    }

    fn run() -> Run {
        Run {
            schema_version: Run::SCHEMA_VERSION,
            component: String::new(),
            endpoints: Endpoints::default(),
            call: Call::Discover,
            options: Options::DEFAULT,
            stopped_at: None,
            elapsed: None,
            window: 1,
        }
    }

    /// Sends a request, and reads the whole answer.
    fn ask(transport: &mut dyn Transport, path: &str) -> Vec<u8> {
        let (endpoint, method, path) = (Endpoint::Master, Method::Get, vec![path.into()]);
        let request = Request { endpoint, method, path, query: vec![], content: None };
        let mut response = transport.send(request).finish().unwrap();
        let (mut body, mut buffer) = (Vec::new(), [0; 7]);
        while let Ok(count @ 1..) = response.body.read(&mut buffer) {
            body.extend_from_slice(&buffer[..count]);
        }
        body
    }

    const BODY: &[u8] = br#"{"id":"1","token":"CANARY"}"#;

    #[test]
    fn completed_exchanges_are_in_the_spool_and_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.har");
        let recording = Recording::begin(&file, run()).unwrap();
        let mut transport = recording.through(Box::new(Repeating(BODY)));
        for path in ["1", "2", "3"] {
            assert_eq!(ask(&mut transport, path), BODY);
        }
        {
            let tape = recording.tape.tape();
            let is_away = |kept: &Kept| matches!(kept.place, Place::Spooled(..));
            assert!(tape.entries.iter().all(is_away) && tape.in_memory == 0);
            let mut kept = String::new();
            (&tape.spool).rewind().unwrap();
            (&tape.spool).read_to_string(&mut kept).unwrap();
            assert!(!kept.contains("CANARY") && kept.contains("(scrubbed)"), "{kept}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing has a name");
        assert!(recording.is_complete());
        recording.finish(None).unwrap();
        let urls = |har: &Har| har.log.entries.iter().map(|it| it.request.url.clone()).collect();
        let json = std::fs::read(&file).unwrap();
        let har = Har::read(&json).unwrap();
        let urls: Vec<String> = urls(&har);
        assert_eq!(urls, ["1", "2", "3"].map(|path| format!("{}{path}", Endpoints::MASTER)));
        // The file has the same bytes as if all entries had been in memory.
        assert_eq!(json::lines(&har).unwrap(), json);
        assert!(Replay::open(&file).is_ok());
    }

    #[test]
    fn a_failed_write_loses_only_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.har");
        // Every write to this file fails, as on a full disk.
        let full = File::open("/dev/zero").unwrap();
        let recording = Recording::on(full, &file, run());
        let mut transport = recording.through(Box::new(Repeating(BODY)));
        for _ in 0..3 {
            assert_eq!(ask(&mut transport, "1"), BODY);
        }
        assert!(recording.is_complete(), "all requests have responses");
        assert!(recording.finish(None).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn unfinished_bodies_have_a_limit_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.har");
        let recording = Recording::begin(&file, run()).unwrap();
        let mut tape = recording.tape.tape();
        assert!(tape.has_room(1 << 30) && !tape.has_room(1) && !tape.has_room(0));
        drop(tape);
        assert!(recording.finish(None).is_err());
    }
}

//! Answers requests from a recording. This module does not use the network.

use std::fmt;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::HarError;
use super::har::{Creator, Entry, Har, RequestEntry, Run};
use crate::exchange::{Body, Exchange, Request, Response, Transport};
use janitor_contract::Endpoints;
use janitor_contract::types::Error;

/// A recording that is played once. All clones play the same one.
#[derive(Clone)]
pub struct Replay(Arc<Mutex<Tape>>);

impl fmt::Debug for Replay {
    /// Writes the run, but not the responses of servers.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Replay").field("run", &self.tape().run).finish_non_exhaustive()
    }
}

struct Tape {
    creator: Creator,
    run: Run,
    entries: Vec<(Entry, bool)>,
    deviations: Vec<String>,
    clock: Clock,
}

/// The clock of a run that is played. It repeats the recorded times. After them, or if none are
/// recorded, only pauses take time.
#[derive(Default)]
struct Clock {
    now: Duration,
    reads: usize,
}

impl Clock {
    fn pause(&mut self, duration: Duration) {
        self.now = self.now.saturating_add(duration);
    }

    fn read(&mut self, recorded: Option<&[u64]>) -> Duration {
        if let Some(said) = recorded.and_then(|recorded| recorded.get(self.reads)) {
            self.now = Duration::from_millis(*said);
        }
        self.reads += 1;
        self.now
    }

    /// Describes how often the clock was read, if that differs from the recorded run.
    fn deviation(&self, recorded: Option<&[u64]>) -> Option<String> {
        let (reads, recorded) = (self.reads, recorded?.len());
        (reads != recorded).then(|| {
            format!("the clock was read {reads} times, and {recorded} times in the recorded run")
        })
    }
}

impl Replay {
    /// The most bytes that are read of a recording: four times the limit of one response.
    pub const MOST_BYTES: u64 = 4 << 30;

    /// Reads a recording from a file of at most [`MOST_BYTES`](Self::MOST_BYTES).
    ///
    /// # Errors
    /// Fails if the file cannot be read or is not a recording of ours.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::read(&janitor_file::read(path, Self::MOST_BYTES)?).map_err(io::Error::other)
    }

    /// Reads a recording.
    ///
    /// # Errors
    /// Fails if it is not a recording of ours.
    pub fn read(json: &[u8]) -> Result<Self, HarError> {
        let Har { log } = Har::read(json)?;
        Ok(Self(Arc::new(Mutex::new(Tape {
            creator: log.creator,
            run: log.janitor,
            entries: log.entries.into_iter().map(|entry| (entry, false)).collect(),
            deviations: Vec::new(),
            clock: Clock::default(),
        }))))
    }

    /// Returns the recorded run.
    pub fn run(&self) -> Run {
        self.tape().run.clone()
    }

    /// Returns the time at which the recorded run sent its first request, as the recording has it.
    pub fn start(&self) -> Option<String> {
        self.tape().entries.first().map(|(entry, _)| entry.started_date_time.clone())
    }

    /// Returns the program that recorded the file.
    pub fn creator(&self) -> Creator {
        self.tape().creator.clone()
    }

    /// Describes each recorded exchange, in the order in which they were sent.
    pub fn each<T>(&self, describe: impl FnMut(&Entry) -> T) -> Vec<T> {
        self.tape().entries.iter().map(|(entry, _)| entry).map(describe).collect()
    }

    /// Returns a transport that answers every request like the first recorded one of its kind. So a
    /// call other than the recorded one sees the cluster as far as the recording shows it.
    pub fn snapshot(&self) -> Box<dyn Transport> {
        Box::new(Snapshot {
            replay: self.clone(),
            endpoints: self.run().endpoints,
            now: Duration::ZERO,
        })
    }

    /// Returns a transport that answers from the recording.
    pub fn transport(&self) -> Box<dyn Transport> {
        Box::new(Player { replay: self.clone(), endpoints: self.run().endpoints })
    }

    /// Returns the differences between this run and the recorded one: requests that the recording
    /// lacks, exchanges that were not requested, and a clock that was read more or less often.
    /// There are none if both are the same.
    pub fn deviations(&self) -> Vec<String> {
        let tape = self.tape();
        let unused = tape.entries.iter().enumerate().filter(|(_, (_, used))| !used);
        let unused = unused.map(|(index, (entry, _))| {
            format!("exchange {} was not requested: {}", index + 1, brief(&entry.request))
        });
        let clock = tape.clock.deviation(tape.run.elapsed.as_deref());
        tape.deviations.iter().cloned().chain(unused).chain(clock).collect()
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        // Every change is made in one step, so the state is always consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tape {
    /// Returns the first exchange with this request that has not been played.
    fn play(&mut self, request: &RequestEntry) -> Result<Entry, Error> {
        let found =
            self.entries.iter_mut().find(|(entry, used)| !used && entry.request.is(request));
        if let Some((entry, used)) = found {
            *used = true;
            return Ok(entry.clone());
        }
        let deviation = match self.nearest(request) {
            Some(nearest) => {
                format!("the recording has no {}; the nearest is {nearest}", brief(request))
            }
            None => format!("the recording has no {}, and no exchange at all", brief(request)),
        };
        self.deviations.push(deviation.clone());
        Err(Error::Internal(deviation))
    }

    /// Describes the exchange that has most in common with a request.
    fn nearest(&self, request: &RequestEntry) -> Option<String> {
        let likeness = |entry: &RequestEntry| {
            2 * u8::from(entry.url == request.url) + u8::from(entry.method == request.method)
        };
        let (index, (entry, used)) = self
            .entries
            .iter()
            .enumerate()
            // The iterator returns the last of equal items, and this must be the first exchange.
            .rev()
            .max_by_key(|(_, (entry, used))| (likeness(&entry.request), !used))?;
        let differs = match likeness(&entry.request) {
            3 if *used && entry.request.is(request) => "which has been played already".to_owned(),
            3 => format!(
                "with another body: {}",
                entry.request.post_data.as_ref().map_or("none", |data| data.text.as_str())
            ),
            2 => "with another method".to_owned(),
            _ => "at another URL".to_owned(),
        };
        Some(format!("exchange {}, {}, {differs}", index + 1, brief(&entry.request)))
    }
}

fn brief(request: &RequestEntry) -> String {
    match &request.post_data {
        Some(data) => format!("{} {} with {}", request.method, request.url, data.text),
        None => format!("{} {}", request.method, request.url),
    }
}

struct Player {
    replay: Replay,
    /// The servers of the recorded run.
    endpoints: Endpoints,
}

impl Transport for Player {
    fn endpoints(&self) -> Option<&Endpoints> {
        Some(&self.endpoints)
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let request = RequestEntry::new(&request, &self.endpoints);
        Box::new(Played(self.replay.tape().play(&request)))
    }

    /// Takes no real time.
    fn pause(&mut self, duration: Duration) {
        self.replay.tape().clock.pause(duration);
    }

    fn elapsed(&mut self, _: Duration) -> Duration {
        let Tape { run, clock, .. } = &mut *self.replay.tape();
        clock.read(run.elapsed.as_deref())
    }
}

/// A transport that repeats the first answer to each request.
struct Snapshot {
    replay: Replay,
    endpoints: Endpoints,
    now: Duration,
}

impl Transport for Snapshot {
    fn endpoints(&self) -> Option<&Endpoints> {
        Some(&self.endpoints)
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let request = RequestEntry::new(&request, &self.endpoints);
        let tape = self.replay.tape();
        let found = tape.entries.iter().find(|(entry, _)| entry.request.is(&request));
        let missing = || Error::Internal("the recording does not contain it".into());
        Box::new(Played(found.map(|(entry, _)| entry.clone()).ok_or_else(missing)))
    }

    /// Takes no real time.
    fn pause(&mut self, duration: Duration) {
        self.now = self.now.saturating_add(duration);
    }

    fn elapsed(&mut self, _: Duration) -> Duration {
        self.now
    }
}

struct Played(Result<Entry, Error>);

impl Exchange for Played {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Entry { response, error, .. } = self.0?;
        let end = match (response.status, error) {
            (0, Some(error)) => return Err(error),
            (0, None) => {
                return Err(Error::Internal("the recording has no answer to this request".into()));
            }
            (_, error) => error,
        };
        let body = response
            .content
            .bytes()
            .map_err(|why| Error::Internal(format!("the recording is damaged: {why}")))?;
        Ok(Response {
            status: response.status,
            content_type: response.content_type().map(Into::into),
            body: Box::new(PlayedBody { body: Cursor::new(body), end }),
        })
    }
}

/// A body that ends like the recorded one.
struct PlayedBody {
    body: Cursor<Vec<u8>>,
    end: Option<Error>,
}

impl Body for PlayedBody {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        match self.body.read(buffer)? {
            0 => self.end.clone().map_or(Ok(0), Err),
            count => Ok(count),
        }
    }
}

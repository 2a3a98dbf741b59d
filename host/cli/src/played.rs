//! A replay of which everything is kept: the log, the requests, their times and their outcomes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use janitor_contract::types::{CleanupPlan, Error, Level, Options};
use janitor_contract::{Done, RunError};
use janitor_host::{CancellationToken, Endpoints, Entry, Janitor, Limits, Log, Session};
use janitor_transport::exchange::{Exchange, Request, Response, RunStart, Transport};
use janitor_transport::recording::har::{self, Creator, RequestEntry, Run};
use janitor_transport::recording::read::Replay;
use serde::Serialize;

use crate::document::plan_of;
use crate::replay;

/// The most characters of a text that are kept: of a request's content, and of a response.
const MOST_TEXT: usize = 400;

/// A replayed recording.
pub struct Played {
    /// The program that recorded it.
    pub creator: Creator,
    /// The recorded run.
    pub run: Run,
    /// The result.
    pub result: Result<Done, RunError>,
    /// The differences between the replay and the recorded run.
    pub differences: Vec<String>,
    /// The steps of the run, in their order.
    pub steps: Vec<Step>,
    /// The recorded exchanges, in the order in which they were sent.
    pub exchanges: Vec<Exchanged>,
    /// The plan of a recorded cleanup, with its options, as far as the recording shows it.
    pub plan: Option<(CleanupPlan, Options)>,
}

/// A step of a run.
#[derive(Serialize)]
pub enum Step {
    /// A line of the log.
    Line(Entry),
    /// The request of the exchange with this number.
    Request(usize),
    /// The response of the exchange with this number.
    Answer(usize),
}

/// A recorded exchange.
#[derive(Serialize)]
pub struct Exchanged {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The beginning of the content, if there is one.
    pub content: Option<String>,
    /// The status, if there was a response.
    pub status: Option<u16>,
    /// The reason why there is no response, or why its body is truncated.
    pub error: Option<Error>,
    /// The bytes of the body.
    pub bytes: u64,
    /// The beginning of the body.
    pub excerpt: String,
    /// The time at which the exchange began, as RFC 3339.
    pub started: String,
    /// The duration, in milliseconds.
    pub time: f64,
}

impl Exchanged {
    fn of(
        har::Entry { started_date_time, time, request, response, error, .. }: &har::Entry,
    ) -> Self {
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            content: request.post_data.as_ref().map(|it| beginning(&it.text)),
            status: (response.status != 0).then_some(response.status),
            error: error.clone(),
            bytes: response.content.size,
            excerpt: match response.content.encoding {
                None => beginning(&response.content.text),
                Some(_) => String::new(),
            },
            started: started_date_time.clone(),
            time: *time,
        }
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}

impl Played {
    /// Replays a recording.
    pub fn of(janitor: &Janitor, replay: Replay) -> Self {
        let run = replay.run();
        let tape = Tape::default();
        let mut waiting = HashMap::<_, VecDeque<usize>>::new();
        for (index, request) in
            replay.each(|entry| identity(&entry.request)).into_iter().enumerate()
        {
            waiting.entry(request).or_default().push_back(index);
        }
        let transport = Observed {
            transport: replay.transport(),
            endpoints: run.endpoints.clone(),
            waiting,
            tape: tape.clone(),
        };
        let session = Session::new(transport)
            .with_log(tape.clone())
            .with_limits(Limits { window: run.window, ..Limits::default() })
            .with_cancellation(CancellationToken::replaying(run.stopped_at));
        let result = janitor.run(&run.call, &run.options, session);
        Self {
            creator: replay.creator(),
            result,
            differences: replay::differences(janitor, &replay),
            steps: tape.take(),
            exchanges: replay.each(Exchanged::of),
            plan: plan_of(janitor, &replay, &run.call),
            run,
        }
    }
}

/// The parts of a request that a replay compares.
fn identity(
    RequestEntry { method, url, post_data, .. }: &RequestEntry,
) -> (String, String, String) {
    let content = post_data.as_ref().map(|it| format!("{}\n{}", it.mime_type, it.text));
    (method.clone(), url.clone(), content.unwrap_or_default())
}

/// The steps so far. Clones share them.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<Step>>>);

impl Tape {
    fn push(&self, step: Step) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }

    fn take(&self) -> Vec<Step> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Log for Tape {
    fn entry(&mut self, entry: &Entry) {
        // The requests are steps of their own, but a phase is confirmed in an entry of this level.
        if entry.level != Level::Debug || entry.event.is_some() {
            self.push(Step::Line(entry.clone()));
        }
    }
}

/// A transport that keeps the order of requests and responses.
struct Observed {
    transport: Box<dyn Transport>,
    endpoints: Endpoints,
    /// The exchanges that were not requested yet, by their requests.
    waiting: HashMap<(String, String, String), VecDeque<usize>>,
    tape: Tape,
}

impl Transport for Observed {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.transport.endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        self.transport.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let asked = identity(&RequestEntry::new(&request, &self.endpoints));
        let exchange = self.transport.send(request);
        let Some(index) = self.waiting.get_mut(&asked).and_then(VecDeque::pop_front) else {
            return exchange;
        };
        self.tape.push(Step::Request(index));
        Box::new(Answered { exchange, index, tape: self.tape.clone() })
    }

    fn pause(&mut self, duration: Duration) {
        self.transport.pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        self.transport.elapsed(real)
    }
}

struct Answered {
    exchange: Box<dyn Exchange>,
    index: usize,
    tape: Tape,
}

impl Exchange for Answered {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Self { exchange, index, tape } = *self;
        tape.push(Step::Answer(index));
        exchange.finish()
    }
}

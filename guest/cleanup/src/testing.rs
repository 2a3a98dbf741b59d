//! A [`Host`] that answers from a script, for unit tests.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::host::{Host, Response};
use janitor_contract::types::{Entry, Error, Request};

pub use crate::simulated::Chance;

/// A host that answers in the order of a script, and keeps all requests and log entries.
pub struct Script {
    answers: VecDeque<Result<Scripted, Error>>,
    in_flight: usize,
    pub chunk: usize,
    pub window: usize,
    agents_per_request: usize,
    pub most_in_flight: usize,
    pub sent: Vec<Request>,
    /// The answers of the pages with which lists are compared; the last answer of a page stays.
    /// A page without an answer here has the one of a master that has nothing to report.
    pages: BTreeMap<&'static str, VecDeque<(u16, String)>>,
    /// The last list of agents.
    list: Option<VecDeque<u8>>,
    pub log: Vec<Entry>,
    pub paused: Duration,
    /// The answer of every pause.
    pub continues: bool,
    /// The run's time limit, which ends pauses.
    pub limit: Duration,
}

pub struct Scripted {
    status: u16,
    body: VecDeque<u8>,
    chunk: usize,
    end: Option<Error>,
}

impl Scripted {
    /// Makes a whole answer, which arrives in chunks of this many bytes.
    pub fn new(status: u16, body: String, chunk: usize) -> Self {
        Self { status, body: body.into_bytes().into(), chunk, end: None }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            answers: VecDeque::new(),
            in_flight: 0,
            chunk: 1 << 16,
            window: 4,
            agents_per_request: 50,
            most_in_flight: 0,
            sent: Vec::new(),
            pages: BTreeMap::new(),
            list: None,
            log: Vec::new(),
            paused: Duration::ZERO,
            continues: true,
            limit: Duration::MAX,
        }
    }
}

impl Script {
    /// Sets how many agents of a list take as long as a request for one.
    pub fn with_agents_per_request(self, count: usize) -> Self {
        Self { agents_per_request: count, ..self }
    }

    /// Adds an answer.
    pub fn answer(self, status: u16, body: impl Into<String>) -> Self {
        self.push(Ok((status, body.into(), None)))
    }

    /// Adds an answer that need not be text.
    pub fn answer_bytes(self, status: u16, body: &[u8]) -> Self {
        let mut script = self.answer(status, "");
        if let Some(Ok(answer)) = script.answers.back_mut() {
            answer.body = body.to_vec().into();
        }
        script
    }

    /// Adds an answer of a page with which lists are compared.
    pub fn page(mut self, path: &'static str, status: u16, body: impl Into<String>) -> Self {
        self.pages.entry(path).or_default().push_back((status, body.into()));
        self
    }

    /// Repeats the last list of agents where the script continues with something else.
    fn listed_again(&mut self, request: &Request) -> Option<Scripted> {
        if request.path != ["slaves"] {
            return None;
        }
        let is_list = |it: &Scripted| it.body.as_slices().0.starts_with(b"{\"slaves\"");
        match self.answers.front() {
            Some(Ok(list)) if is_list(list) => {
                self.list = Some(list.body.clone());
                None
            }
            Some(Err(_)) => None,
            _ => {
                let body = self.list.clone()?;
                Some(Scripted { status: 200, body, chunk: 0, end: None })
            }
        }
    }

    /// Finds the answer of a page with which lists are compared.
    fn checked(&mut self, request: &Request) -> Option<Scripted> {
        let path = request.path.join("/");
        let calm = match path.as_str() {
            "roles" => r#"{"roles":[]}"#,
            "metrics/snapshot" => {
                r#"{"master/frameworks_active":0.0,"master/slave_registrations":9.0,"master/slaves_unreachable":0.0}"#
            }
            "registrar(1)/registry" => r#"{"master":{}}"#,
            "maintenance/status" | "state" => "{}",
            "flags" => r#"{"flags":{"agent_ping_timeout":"15secs","max_agent_ping_timeouts":"5"}}"#,
            "version" => r#"{"version":"1.11.0"}"#,
            "api/v1" => r#"{"get_operations":{}}"#,
            _ if self.pages.contains_key(path.as_str()) => "",
            _ => return None,
        };
        let (status, body) = match self.pages.get_mut(path.as_str()) {
            Some(answers) if answers.len() > 1 => answers.pop_front()?,
            Some(answers) => answers.front()?.clone(),
            None => (200, calm.into()),
        };
        Some(Scripted::new(status, body, 0))
    }

    /// Adds an answer whose body ends with an error.
    pub fn broken(self, body: &str, end: Error) -> Self {
        self.push(Ok((200, body.into(), Some(end))))
    }

    /// Adds a request without an answer.
    pub fn fails(self, error: Error) -> Self {
        self.push(Err(error))
    }

    /// Adds to the script.
    fn push(mut self, answer: Result<(u16, String, Option<Error>), Error>) -> Self {
        self.answers.push_back(answer.map(|(status, body, end)| Scripted {
            status,
            body: body.into_bytes().into(),
            chunk: 0,
            end,
        }));
        self
    }

    /// Returns the number of requests whose answers have not been asked for.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns the log's messages.
    pub fn lines(&self) -> Vec<&str> {
        self.log.iter().map(|entry| entry.message.as_str()).collect()
    }
}

impl Host for Script {
    type Exchange = Result<Scripted, Error>;
    type Response = Scripted;

    fn send(&mut self, request: &Request) -> Result<Self::Exchange, Error> {
        if let Some(answer) = self.checked(request) {
            return Ok(Ok(answer));
        }
        if let Some(list) = self.listed_again(request) {
            return Ok(Ok(list));
        }
        self.sent.push(request.clone());
        let answer = self.answers.pop_front().expect("the script has an answer for every request");
        if matches!(answer, Err(Error::Stopped)) {
            return Err(Error::Stopped);
        }
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        Ok(answer)
    }

    fn finish(&mut self, exchange: Self::Exchange) -> Result<Scripted, Error> {
        self.in_flight = self.in_flight.saturating_sub(1);
        exchange.map(|answer| Scripted { chunk: self.chunk, ..answer })
    }

    fn window(&mut self) -> usize {
        self.window
    }

    fn pause(&mut self, duration: Duration) -> bool {
        let left = self.limit.saturating_sub(self.paused);
        self.paused += duration.min(left);
        self.continues && !left.is_zero()
    }

    fn elapsed(&mut self) -> Duration {
        self.paused
    }

    fn agents_per_request(&self) -> usize {
        self.agents_per_request
    }

    fn log(&mut self, entry: Entry) {
        self.log.push(entry);
    }
}

impl Response for Scripted {
    fn status(&self) -> u16 {
        self.status
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error> {
        let size = self.chunk.min(limit as usize).min(self.body.len());
        match self.end.take_if(|_| size == 0) {
            Some(error) => Err(error),
            None => Ok(self.body.drain(..size).collect()),
        }
    }
}

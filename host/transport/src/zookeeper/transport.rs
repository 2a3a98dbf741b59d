//! The exchanges for requests to Exhibitor that are carried out in ZooKeeper.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ZooKeeperLimits;
use super::explorer::Question;
use super::session::{Session, Settings};
use crate::cancellation::CancellationToken;
use crate::exchange::{Exchange, Life, Request, Response, RunStart, over};
use crate::queue::Queue;
use crate::secret::ZooKeeperLogin;
use crate::timeouts::Timeouts;
use janitor_contract::ensemble::Ensemble;
use janitor_contract::types::Error;

/// Carries out requests in an ensemble, in one session for each run.
#[derive(Clone)]
pub(crate) struct ZooKeeper {
    settings: Settings,
    session: Arc<Mutex<Session>>,
    queue: Queue,
    life: Life,
}

impl fmt::Debug for ZooKeeper {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl ZooKeeper {
    /// Keeps the settings of sessions with an ensemble. No request is sent before a run begins.
    pub(crate) fn new(ensemble: Ensemble, timeouts: Timeouts, limits: ZooKeeperLimits) -> Self {
        Self::with_settings(Settings { ensemble, login: None, timeouts, limits })
    }

    /// Replaces the login.
    pub(crate) fn with_login(self, login: Option<ZooKeeperLogin>) -> Self {
        Self::with_settings(Settings { login, ..self.settings }).with_queue(self.queue)
    }

    fn with_settings(settings: Settings) -> Self {
        let no_run = (Duration::ZERO, CancellationToken::new());
        let session = Session::new(settings.clone(), no_run.0, no_run.1);
        let session = Arc::new(Mutex::new(session));
        Self { settings, session, queue: Queue::default(), life: Life::default() }
    }

    /// Sets the queue in which exchanges wait for their turn.
    pub(crate) fn with_queue(self, queue: Queue) -> Self {
        Self { queue, ..self }
    }

    /// Starts a session for a run. Its time is that of the run, and a deletion ends between two
    /// operations if the run is cancelled.
    pub(crate) fn begin(&mut self, run: &RunStart) {
        let session = Session::new(self.settings.clone(), run.time, run.cancellation.clone());
        self.session = Arc::new(Mutex::new(session));
        self.life = run.life();
    }

    /// Starts an exchange. Exchanges are carried out one after the other, when their responses are
    /// awaited.
    pub(crate) fn start(&self, request: Request) -> Pending {
        let Self { session, queue, life, .. } = self.clone();
        Pending { request, session, queue, life }
    }
}

/// A request that has not been carried out.
pub(crate) struct Pending {
    request: Request,
    session: Arc<Mutex<Session>>,
    queue: Queue,
    life: Life,
}

impl Exchange for Pending {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let _place = self.queue.ticket().wait();
        if self.life.is_over() {
            return Err(over());
        }
        // A session that failed has no connection any more, and opens another one.
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        match Question::read(&self.request, session.chroot()) {
            Ok(question) => question.answer(&mut session),
            Err(refusal) => Ok(refusal),
        }
    }
}

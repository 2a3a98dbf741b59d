//! The exchanges for requests to Exhibitor that are carried out in ZooKeeper.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ZooKeeperLimits;
use super::explorer::Question;
use super::session::{Session, Settings};
use crate::exchange::{Exchange, Permit, Request, Response, RunStart, over};
use crate::secret::ZooKeeperLogin;
use crate::timeouts::Timeouts;
use crate::turns::Ticket;
use janitor_contract::ensemble::Ensemble;
use janitor_contract::types::Error;

/// Carries out requests in an ensemble, in one session for each run.
#[derive(Clone)]
pub(crate) struct ZooKeeper {
    settings: Settings,
    session: Arc<Mutex<Session>>,
    permit: Permit,
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
        Self::with_settings(Settings { login, ..self.settings })
    }

    fn with_settings(settings: Settings) -> Self {
        let permit = Permit::default();
        let session = Session::new(settings.clone(), Duration::ZERO, permit.clone());
        let session = Arc::new(Mutex::new(session));
        Self { settings, session, permit }
    }

    /// Starts a session for a run. Its time is that of the run, and a deletion ends between two
    /// operations if the run is cancelled.
    pub(crate) fn begin(&mut self, run: &RunStart) {
        self.permit = run.permit();
        let session = Session::new(self.settings.clone(), run.time, self.permit.clone());
        self.session = Arc::new(Mutex::new(session));
    }

    /// Starts an exchange. Exchanges are carried out one after the other, when their responses are
    /// awaited.
    pub(crate) fn start(&self, request: Request, ticket: Ticket) -> Pending {
        let Self { session, permit, .. } = self.clone();
        Pending { request, session, ticket, permit }
    }
}

/// A request that has not been carried out.
pub(crate) struct Pending {
    request: Request,
    session: Arc<Mutex<Session>>,
    ticket: Ticket,
    permit: Permit,
}

impl Exchange for Pending {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let place = self.ticket.wait(&self.permit, self.request.method);
        let Some(_place) = place.filter(|_| !self.permit.is_over()) else { return Err(over()) };
        // A session that failed has no connection any more, and opens another one.
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        match Question::read(&self.request, session.chroot()) {
            Ok(question) => question.answer(&mut session),
            Err(refusal) => Ok(refusal),
        }
    }
}

//! Runs of the library as futures: they share a thread, stop when they are dropped, and pass on the
//! panics of their transports. `sandbox` runs each component that misbehaves in this form too.

use std::any::Any;
use std::future::Future;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use futures_util::{FutureExt, pin_mut, stream};
use janitor_host::{
    AsyncResponse, AsyncSession, AsyncTransport, Body, BoxFuture, Bytes, CancellationToken,
    Endpoints, Entry, Error, Exchange, Janitor, Network, Options, Reason, Request, Response,
    RunStart, Session, Target, Transport, Turns,
};
use janitor_nonblocking::Client;
use janitor_tests::{Cluster, State};

use crate::command::{changes, network, scenario};

/// Runs a future on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Returns the servers of a cluster.
pub fn endpoints(cluster: &Cluster) -> Endpoints {
    let urls = [cluster.master_url(), cluster.exhibitor_url(), cluster.marathon_url()];
    Endpoints::new(&urls[0], &urls[1], &urls[2]).unwrap()
}

/// Returns the sample's target.
fn target() -> Target {
    Target {
        role: Some("cassandra_role".into()),
        principal: Some("cassandra_principal".into()),
        znode: Some("cassandra".into()),
        ..Target::NOTHING
    }
}

/// Starts the sample's cluster, whose servers answer slowly.
fn slow() -> Cluster {
    Cluster::start(State { latency_ms: 200, ..scenario("the-sample-result") })
}

#[test]
fn many_runs_share_a_thread() {
    let cluster = slow();
    let janitor = Janitor::new().unwrap();
    let plans = (0..20).map(|number| {
        let session = match number % 2 {
            0 => AsyncSession::new_async(Client::new(endpoints(&cluster))),
            _ => Session::new(network(endpoints(&cluster)).build().unwrap()).into(),
        };
        let janitor = janitor.clone();
        async move { janitor.plan_async(&target(), &Options::DEFAULT, session).await.unwrap() }
    });
    let plans = block_on(join_all(plans));
    assert!(plans.iter().all(|plan| *plan == plans[0]));
    assert_eq!(plans[0].agents.len(), 3);
    // A plan sends one request at a time.
    assert!(cluster.load().most_at_once > 1, "{}", cluster.load().most_at_once);
}

/// A future of a run can be moved to another thread between two polls.
#[test]
fn a_run_is_a_task_of_any_runtime() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let session = AsyncSession::new_async(Client::new(endpoints(&cluster)));
    let run = runtime.spawn(async move {
        Janitor::new().unwrap().clean_async(&target(), &Options::DEFAULT, session).await
    });
    assert_eq!(runtime.block_on(run).unwrap().unwrap().confirmed.len(), 2);
}

/// A component that computes for ever lets another run on its thread end.
#[test]
#[allow(unsafe_code)]
fn a_run_that_computes_lets_others_run() {
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    let loops = unsafe { Janitor::from_precompiled(janitor_tests::MISBEHAVING, "") }.unwrap();
    let cluster = Cluster::start(scenario("the-sample-result"));
    let session = || AsyncSession::new_async(Client::new(endpoints(&cluster)));
    let never = Target { role: Some("loops".into()), ..Target::NOTHING };
    block_on(async {
        let janitor = Janitor::new().unwrap();
        let (target, options) = (target(), Options::DEFAULT);
        let forever = loops.clean_async(&never, &options, session());
        let plan = janitor.plan_async(&target, &options, session());
        pin_mut!(forever, plan);
        match select(forever, plan).await {
            Either::Left((result, _)) => panic!("it ended: {result:?}"),
            Either::Right((plan, _)) => assert_eq!(plan.unwrap().agents.len(), 3),
        }
    });
}

/// A transport that counts itself and its exchanges: they share `token`. It drops nothing.
struct Counted<T> {
    inner: T,
    token: Arc<()>,
}

impl<T: AsyncTransport> AsyncTransport for Counted<T> {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.inner.endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        self.inner.begin(run);
    }

    fn send(&mut self, request: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>> {
        let (token, exchange) = (self.token.clone(), self.inner.send(request));
        Box::pin(async move {
            let response = exchange.await;
            drop(token);
            response
        })
    }

    fn spawn(&mut self, task: BoxFuture<'static, ()>) {
        self.inner.spawn(task);
    }

    fn pause(&mut self, duration: Duration) -> BoxFuture<'static, ()> {
        self.inner.pause(duration)
    }
}

impl<T: Transport> Transport for Counted<T> {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.inner.endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        self.inner.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        Box::new(CountedExchange(self.inner.send(request), self.token.clone()))
    }

    fn pause(&mut self, duration: Duration) {
        self.inner.pause(duration);
    }
}

struct CountedExchange(Box<dyn Exchange>, Arc<()>);

impl Exchange for CountedExchange {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Self(exchange, token) = *self;
        let response = exchange.finish();
        drop(token);
        response
    }
}

/// Waits until a condition is true.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Drops a run as soon as it has sent a request that changes something, and waits until nothing is
/// left of it. Requests that were sent are carried out, and no others are sent.
fn is_dropped(session: impl FnOnce(Endpoints, Arc<()>) -> AsyncSession) {
    let cluster = slow();
    let token = Arc::new(());
    let session = session(endpoints(&cluster), token.clone());
    let alive = token.clone();
    let session = session.with_log(move |_: &Entry| drop(alive.clone()));
    block_on(async {
        let janitor = Janitor::new().unwrap();
        let (target, options) = (target(), Options::DEFAULT);
        let mut run = Box::pin(janitor.clean_async(&target, &options, session));
        // Three agents hold something, and the run waits for the first response now.
        let is_sent = until(|| changes(&cluster).len() == 3);
        pin_mut!(is_sent);
        match select(&mut run, is_sent).await {
            Either::Left((result, _)) => panic!("it ended: {result:?}"),
            Either::Right(_) => drop(run),
        }
        until(|| Arc::strong_count(&token) == 1).await;
        until(|| cluster.load().most_at_once == 3 && is_carried_out(&cluster)).await;
    });
    assert_eq!(changes(&cluster), ["POST /master/destroy-volumes"; 3]);
}

/// Returns whether no volume of the role is left.
fn is_carried_out(cluster: &Cluster) -> bool {
    let agents = serde_json::to_string(&cluster.state().agents).unwrap();
    !agents.contains(r#""persistence""#)
}

#[test]
fn a_dropped_run_stops_in_order() {
    is_dropped(|endpoints, token| {
        AsyncSession::new_async(Counted { inner: Client::new(endpoints), token })
    });
}

#[test]
fn a_dropped_run_with_a_blocking_transport_stops_in_order() {
    is_dropped(|endpoints, token| {
        let inner = network(endpoints).build().unwrap();
        Session::new(Counted { inner, token }).into()
    });
}

/// A transport whose tasks begin late: those of requests that change something are kept here.
struct Late {
    client: Client,
    is_change: bool,
    kept: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl AsyncTransport for Late {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.client.endpoints()
    }

    fn send(&mut self, request: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>> {
        self.is_change = request.path == ["destroy-volumes"];
        self.client.send(request)
    }

    fn spawn(&mut self, task: BoxFuture<'static, ()>) {
        match self.is_change {
            true => self.kept.lock().unwrap().push(task),
            false => self.client.spawn(task),
        }
    }

    fn pause(&mut self, duration: Duration) -> BoxFuture<'static, ()> {
        self.client.pause(duration)
    }
}

#[test]
fn a_task_that_begins_after_its_run_was_dropped_sends_nothing() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let kept = Arc::<Mutex<Vec<_>>>::default();
    let client = Client::new(endpoints(&cluster));
    let session = AsyncSession::new_async(Late { client, is_change: false, kept: kept.clone() });
    block_on(async {
        let janitor = Janitor::new().unwrap();
        let (target, options) = (target(), Options::DEFAULT);
        let mut run = Box::pin(janitor.clean_async(&target, &options, session));
        let is_kept = until(|| kept.lock().unwrap().len() == 3);
        pin_mut!(is_kept);
        assert!(matches!(select(&mut run, is_kept).await, Either::Right(_)));
        drop(run);
        let tasks = std::mem::take(&mut *kept.lock().unwrap());
        join_all(tasks).await;
    });
    assert_eq!(changes(&cluster), [""; 0]);
}

#[test]
fn a_task_that_begins_after_a_cancellation_changes_nothing() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let kept = Arc::<Mutex<Vec<_>>>::default();
    let client = Client::new(endpoints(&cluster));
    let token = CancellationToken::new();
    let session = AsyncSession::new_async(Late { client, is_change: false, kept: kept.clone() })
        .with_cancellation(token.clone());
    block_on(async {
        let janitor = Janitor::new().unwrap();
        let (target, options) = (target(), Options::DEFAULT);
        let mut run = Box::pin(janitor.clean_async(&target, &options, session));
        let is_kept = until(|| kept.lock().unwrap().len() == 3);
        pin_mut!(is_kept);
        assert!(matches!(select(&mut run, is_kept).await, Either::Right(_)));
        token.cancel();
        let tasks = std::mem::take(&mut *kept.lock().unwrap());
        join_all(tasks).await;
        let reason = run.await.err().and_then(|error| error.reason());
        assert_eq!(reason, Some(Reason::Stopped));
    });
    assert_eq!(changes(&cluster), [""; 0]);
}

/// The function of a transport that panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Send,
    Finish,
    Read,
    Pause,
}

/// A transport that panics, as a blocking and as an async one.
struct Panics(Place);

/// The text of the panic.
const TEXT: &str = "the transport's own words";

impl Panics {
    /// Panics if this is the place.
    fn at(&self, place: Place) {
        if self.0 == place {
            panic!("{TEXT}");
        }
    }

    /// Returns the status: one that makes the component pause, if that is to panic.
    fn status(&self) -> u16 {
        if self.0 == Place::Pause { 503 } else { 200 }
    }
}

impl Transport for Panics {
    fn send(&mut self, _: Request) -> Box<dyn Exchange> {
        self.at(Place::Send);
        Box::new(Self(self.0))
    }

    fn pause(&mut self, _: Duration) {
        self.at(Place::Pause);
    }
}

impl Exchange for Panics {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        self.at(Place::Finish);
        Ok(Response { status: self.status(), content_type: None, body: self })
    }
}

impl Body for Panics {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, Error> {
        self.at(Place::Read);
        Ok(0)
    }
}

impl AsyncTransport for Panics {
    fn send(&mut self, _: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>> {
        self.at(Place::Send);
        let it = Self(self.0);
        Box::pin(async move {
            it.at(Place::Finish);
            let status = it.status();
            let body = stream::once(async move {
                it.at(Place::Read);
                Ok(Bytes::new())
            });
            Ok(AsyncResponse::new(status, body))
        })
    }

    fn spawn(&mut self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn pause(&mut self, _: Duration) -> BoxFuture<'static, ()> {
        let it = Self(self.0);
        Box::pin(async move { it.at(Place::Pause) })
    }
}

/// Returns the text of a panic.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

#[test]
fn a_panic_of_a_transport_is_its_callers() {
    let janitor = Janitor::new().unwrap();
    let (target, options) = (target(), Options::DEFAULT);
    for place in [Place::Send, Place::Finish, Place::Read, Place::Pause] {
        let blocking = catch_unwind(AssertUnwindSafe(|| {
            janitor.clean(&target, &options, Session::new(Panics(place)))
        }));
        assert_eq!(words(&*blocking.unwrap_err()), TEXT, "{place:?}");
        for session in [AsyncSession::new_async(Panics(place)), Session::new(Panics(place)).into()]
        {
            let run = janitor.clean_async(&target, &options, session);
            let panic = block_on(AssertUnwindSafe(run).catch_unwind()).unwrap_err();
            assert_eq!(words(&*panic), TEXT, "{place:?}");
        }
    }
}

#[test]
fn a_panic_of_a_log_is_its_callers() {
    let janitor = Janitor::new().unwrap();
    let (target, options) = (target(), Options::DEFAULT);
    let session = || Session::new(Panics(Place::Pause)).with_log(|_: &Entry| panic!("{TEXT}"));
    let blocking = catch_unwind(AssertUnwindSafe(|| janitor.clean(&target, &options, session())));
    assert_eq!(words(&*blocking.unwrap_err()), TEXT);
    let run = janitor.clean_async(&target, &options, session());
    let panic = block_on(AssertUnwindSafe(run).catch_unwind()).unwrap_err();
    assert_eq!(words(&*panic), TEXT);
}

/// The turns of a cluster that allows this many exchanges at once.
fn turns(most: u32) -> Turns {
    Turns::new(NonZeroU32::new(most).unwrap())
}

/// A network with a limit of exchanges over all of its runs.
fn limited(cluster: &Cluster, turns: &Turns) -> Network {
    network(endpoints(cluster)).turns(turns).build().unwrap()
}

/// Threads and futures, over blocking and async transports, share one limit.
#[test]
fn all_runs_on_a_cluster_share_a_limit() {
    for most in [1, 2] {
        let cluster = slow();
        let turns = turns(most);
        let network = limited(&cluster, &turns);
        let client = Client::new(endpoints(&cluster));
        let janitor = Janitor::new().unwrap();
        let (target, options) = (target(), Options::DEFAULT);
        thread::scope(|scope| {
            let blocking = (0..2).map(|_| {
                let session = Session::new(network.clone());
                scope.spawn(|| janitor.plan(&target, &options, session).unwrap())
            });
            let blocking: Vec<_> = blocking.collect();
            let runs = (0..4).map(|number| {
                let session = match number % 2 {
                    0 => AsyncSession::in_turns(client.clone(), &turns),
                    _ => Session::new(network.clone()).into(),
                };
                janitor.plan_async(&target, &options, session)
            });
            assert!(block_on(join_all(runs)).iter().all(Result::is_ok));
            blocking.into_iter().for_each(|run| drop(run.join().unwrap()));
        });
        assert_eq!(cluster.load().most_at_once, most as usize);
    }
}

/// Three agents hold something, so a cleanup alone has three requests in flight.
#[test]
fn a_run_alone_keeps_the_limit() {
    for most in [1, 2] {
        for is_async in [false, true] {
            let cluster = slow();
            let turns = turns(most);
            let session = match is_async {
                true => AsyncSession::in_turns(Client::new(endpoints(&cluster)), &turns),
                false => Session::new(limited(&cluster, &turns)).into(),
            };
            let janitor = Janitor::new().unwrap();
            let (target, options) = (target(), Options::DEFAULT);
            let report = block_on(janitor.clean_async(&target, &options, session)).unwrap();
            assert_eq!(report.confirmed.len(), 2);
            assert_eq!(cluster.load().most_at_once, most as usize);
        }
    }
}

/// A client that keeps its connections needs as many as there are exchanges at once.
#[test]
fn the_limit_is_that_of_the_connections() {
    let state = State { latency_ms: 20, ..scenario("the-sample-result") };
    let cluster = Cluster::start(state);
    let (turns, client) = (turns(2), Client::new(endpoints(&cluster)));
    let janitor = Janitor::new().unwrap();
    let (target, options) = (target(), Options::DEFAULT);
    let runs = (0..20).map(|_| {
        let session = AsyncSession::in_turns(client.clone(), &turns);
        janitor.plan_async(&target, &options, session)
    });
    assert!(block_on(join_all(runs)).iter().all(Result::is_ok));
    assert_eq!(cluster.load().most_at_once, 2);
    // The master and Exhibitor are two servers.
    assert!(cluster.load().connections <= 4, "{:?}", cluster.load());
}

/// Of the requests of a dropped run, only the one that has a place was sent. The others leave the
/// queue, and the next run gets its turn.
fn is_dropped_in_the_queue(session: impl Fn(&Cluster, &Turns, Arc<()>) -> AsyncSession) {
    let cluster = slow();
    let token = Arc::new(());
    let turns = turns(1);
    let janitor = Janitor::new().unwrap();
    let (target, options) = (target(), Options::DEFAULT);
    block_on(async {
        let session = session(&cluster, &turns, token.clone());
        let mut run = Box::pin(janitor.clean_async(&target, &options, session));
        let is_sent = until(|| changes(&cluster).len() == 1);
        pin_mut!(is_sent);
        assert!(matches!(select(&mut run, is_sent).await, Either::Right(_)));
        drop(run);
        until(|| Arc::strong_count(&token) == 1).await;
    });
    let session = session(&cluster, &turns, token);
    block_on(janitor.discover_async(&options, session)).unwrap();
    assert_eq!(changes(&cluster), ["POST /master/destroy-volumes"]);
}

#[test]
fn a_dropped_run_leaves_the_queue() {
    is_dropped_in_the_queue(|cluster, turns, token| {
        let inner = Client::new(endpoints(cluster));
        AsyncSession::in_turns(Counted { inner, token }, turns)
    });
}

#[test]
fn a_dropped_run_with_a_blocking_transport_leaves_the_queue() {
    is_dropped_in_the_queue(|cluster, turns, token| {
        Session::new(Counted { inner: limited(cluster, turns), token }).into()
    });
}

/// The requests that wait when a run is cancelled are not sent, and the run reports what is left.
#[test]
fn a_cancelled_run_leaves_the_queue() {
    let cluster = slow();
    let token = CancellationToken::new();
    let session = AsyncSession::in_turns(Client::new(endpoints(&cluster)), &turns(1));
    let session = session.with_cancellation(token.clone());
    block_on(async {
        let janitor = Janitor::new().unwrap();
        let (target, options) = (target(), Options::DEFAULT);
        let mut run = Box::pin(janitor.clean_async(&target, &options, session));
        let is_sent = until(|| changes(&cluster).len() == 1);
        pin_mut!(is_sent);
        assert!(matches!(select(&mut run, is_sent).await, Either::Right(_)));
        token.cancel();
        let reason = run.await.err().and_then(|error| error.reason());
        assert_eq!(reason, Some(Reason::Stopped));
    });
    assert_eq!(changes(&cluster), ["POST /master/destroy-volumes"]);
}

/// A transport that panics gives its place back.
#[test]
fn a_panic_keeps_no_place() {
    let (janitor, turns) = (Janitor::new().unwrap(), turns(1));
    let (target, options) = (target(), Options::DEFAULT);
    for place in [Place::Send, Place::Finish, Place::Read, Place::Pause] {
        let session = AsyncSession::in_turns(Panics(place), &turns);
        let run = janitor.clean_async(&target, &options, session);
        assert!(block_on(AssertUnwindSafe(run).catch_unwind()).is_err(), "{place:?}");
        let cluster = Cluster::start(scenario("the-sample-result"));
        let session = AsyncSession::in_turns(Client::new(endpoints(&cluster)), &turns);
        block_on(janitor.plan_async(&target, &options, session)).unwrap();
    }
}

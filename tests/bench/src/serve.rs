//! A master for large clusters: it stores a few bytes per agent, and generates the list as a stream.
//!
//! It runs in a separate process, so that the measured program's memory is separate too. The tests'
//! stand-in simulates more of Mesos, and stores its agents as JSON.

use std::convert::Infallible;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use clap::Args;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Result;
use crate::agents::{self, Stage};
use crate::pages;

/// The parameters of the cluster.
#[derive(Args, Clone, Copy)]
pub struct Cluster {
    /// Number of agents
    #[arg(long, default_value_t = 10_000)]
    pub agents: usize,
    /// Percentage of agents that have resources of the role, or of one of several roles
    #[arg(long, default_value_t = 5.0, value_name = "PERCENT")]
    pub matching: f64,
    /// Response time of the master
    #[arg(long, default_value_t = 10, value_name = "MILLISECONDS")]
    pub latency_ms: u64,
    /// Like Mesos before 1.4, list only all agents at once
    #[arg(long)]
    pub old: bool,
}

impl Cluster {
    /// The number of requests that janitor has in flight.
    const WINDOW: f64 = 32.0;

    /// Returns the number of agents that have something to remove.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no cluster is that large"
    )]
    pub fn matching(self) -> usize {
        (self.agents as f64 * self.matching / 100.0).round() as usize
    }

    /// Computes the time that the requests of both phases take by themselves: 2 n t / w.
    #[allow(clippy::cast_precision_loss, reason = "no cluster is that large")]
    pub fn formula(self) -> f64 {
        2.0 * self.matching() as f64 * self.latency_ms as f64 / 1000.0 / Self::WINDOW
    }
}

/// The parameters of the master.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    cluster: Cluster,
    /// Number of roles; each agent that matches has resources of one of them, in turn
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    roles: NonZeroUsize,
    /// Each agent that matches has resources of all roles instead
    #[arg(long)]
    everywhere: bool,
}

/// The current state of the agents, and statistics of the requests.
struct Master {
    latency: Duration,
    old: bool,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    /// For each agent, the roles that it has resources of.
    agents: Vec<Vec<(String, Stage)>>,
    requests: usize,
    list_reads: usize,
    list_bytes: usize,
    connections: usize,
    waiting: usize,
    most_at_once: usize,
}

/// The operation that a form requests.
#[derive(Clone, Copy)]
enum Operation {
    Destroy,
    Unreserve,
}

impl Master {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request, and waits for the response time.
    async fn wait(&self) {
        {
            let mut live = self.live();
            live.requests += 1;
            live.waiting += 1;
            live.most_at_once = live.most_at_once.max(live.waiting);
        }
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        self.live().waiting -= 1;
    }

    /// Lists one agent, or all.
    fn list(self: Arc<Self>, query: Option<&str>) -> Response {
        let only = query.filter(|_| !self.old).and_then(|it| it.strip_prefix("slave_id="));
        match only.and_then(agents::number) {
            Some(agent) => self.one(agent),
            None => self.all(),
        }
    }

    /// Lists one agent.
    fn one(&self, agent: usize) -> Response {
        let own = self.live().agents.get(agent).cloned();
        let mut list = String::from(agents::HEAD);
        if let Some(own) = own {
            agents::write_one(&mut list, agent, &own);
        }
        list.push_str(agents::TAIL);
        self.live().list_bytes += list.len();
        as_json(list)
    }

    /// Streams the list of all agents, a few at a time.
    fn all(self: Arc<Self>) -> Response {
        const AT_ONCE: usize = 32;
        self.live().list_reads += 1;
        let tail = if self.old { agents::OLD_TAIL } else { agents::TAIL };
        let counting = Arc::clone(&self);
        let count = self.live().agents.len();
        let pieces = (0..count).step_by(AT_ONCE).map(move |first| {
            let end = count.min(first + AT_ONCE);
            let agents = self.live().agents[first..end].to_vec();
            let mut piece = String::with_capacity(AT_ONCE * 3_000);
            for (agent, own) in (first..end).zip(agents) {
                agents::write(&mut piece, agent, &own);
            }
            Bytes::from(piece)
        });
        let pieces = [Bytes::from(agents::HEAD)].into_iter().chain(pieces);
        let pieces = pieces.chain([Bytes::from(tail)]);
        let pieces = pieces.inspect(move |piece| counting.live().list_bytes += piece.len());
        let pieces = pieces.map(Ok::<_, Infallible>);
        as_json(Body::from_stream(stream::iter(pieces)))
    }

    /// Carries out a form. It must name all the resources of its agent, because this master
    /// supports no partial operations.
    fn operate(&self, operation: Operation, form: &[u8]) -> Response {
        let field = |name: &str| {
            let mut fields = form_urlencoded::parse(form);
            fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let (name, before, after) = match operation {
            Operation::Destroy => ("volumes", Stage::Volume, Stage::Reserved),
            Operation::Unreserve => ("resources", Stage::Reserved, Stage::Free),
        };
        let wanted: Option<Vec<Value>> =
            field(name).and_then(|list| serde_json::from_str(&list).ok());
        let wanted = wanted.unwrap_or_default();
        let role = wanted.first().and_then(|resource| resource["role"].as_str());
        let agent = field("slaveId").and_then(|id| agents::number(&id));
        let mut live = self.live();
        let Some(own) = agent.and_then(|agent| live.agents.get_mut(agent)) else {
            return refuse("No agent found with specified ID");
        };
        let own = own.iter_mut().find(|(own, stage)| Some(&**own) == role && *stage == before);
        let is_there = |(role, _): &&mut (String, Stage)| {
            let [cpus, mem, disk] = agents::resources(role, before == Stage::Volume);
            let there = match operation {
                Operation::Destroy => vec![disk],
                Operation::Unreserve => vec![cpus, mem, disk],
            };
            let there = there.iter().map(|text| serde_json::from_str(text).ok());
            there.collect::<Option<Vec<Value>>>().as_ref() == Some(&wanted)
        };
        let Some((_, stage)) = own.filter(is_there) else {
            return refuse("Invalid operation: the agent does not have these resources");
        };
        *stage = after;
        StatusCode::ACCEPTED.into_response()
    }

    /// Returns the statistics so far, without this request and its connection.
    fn stats(&self) -> Response {
        let live = self.live();
        let stats = json!({
            "requests": live.requests,
            "list_reads": live.list_reads,
            "list_bytes": live.list_bytes,
            "connections": live.connections.saturating_sub(1),
            "most_at_once": live.most_at_once,
        });
        as_json(stats.to_string())
    }
}

fn as_json(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

fn refuse(why: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, why).into_response()
}

/// Serves until the process is killed. The first line of the output is the URL.
pub fn serve(options: &Options) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(run(options))
}

async fn run(Options { cluster, roles, everywhere }: &Options) -> Result<()> {
    let Cluster { latency_ms, old, .. } = *cluster;
    let (count, matching) = (cluster.agents.max(1), cluster.matching());
    let stages = agents::cluster(cluster.agents, matching).into_iter().enumerate();
    let agents = stages.map(|(agent, stage)| match everywhere {
        true => (0..roles.get()).map(|role| (agents::role(role), stage)).collect(),
        false => vec![(agents::role(agent * matching / count % *roles), stage)],
    });
    let latency = Duration::from_millis(latency_ms);
    let live = Mutex::new(Live { agents: agents.collect(), ..Live::default() });
    let master = Arc::new(Master { latency, old, live });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let counting = Arc::clone(&master);
    let listener = listener.tap_io(move |connection| {
        counting.live().connections += 1;
        // Without this option, a response may wait for an acknowledgement. If the call fails, that
        // is the only effect.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, routes(&master)).await?;
    Ok(())
}

fn routes(master: &Arc<Master>) -> Router {
    let after = |answer: fn(Arc<Master>, Bytes) -> Response| {
        let master = Arc::clone(master);
        move |body: Bytes| async move {
            master.wait().await;
            answer(master, body)
        }
    };
    let page = |body: &'static str| {
        let master = Arc::clone(master);
        get(move || async move {
            master.wait().await;
            as_json(body)
        })
    };
    let operator = pages::OPERATOR.map(|(name, body)| (format!("/master/{name}"), body));
    let root = pages::ROOT.map(|(name, body)| (format!("/{name}"), body));
    let pages = operator.into_iter().chain(root);
    let counting = Arc::clone(master);
    let listing = Arc::clone(master);
    let list = move |RawQuery(query): RawQuery| async move {
        listing.wait().await;
        listing.list(query.as_deref())
    };
    pages
        .fold(Router::new(), |routes, (path, body)| routes.route(&path, page(body)))
        .route("/master/slaves", get(list))
        .route("/master/api/v1", post(after(|_, call| as_json(pages::v1(&call)))))
        .route(
            "/master/destroy-volumes",
            post(after(|master, form| master.operate(Operation::Destroy, &form))),
        )
        .route(
            "/master/unreserve",
            post(after(|master, form| master.operate(Operation::Unreserve, &form))),
        )
        .route("/stats", get(move || async move { counting.stats() }))
}

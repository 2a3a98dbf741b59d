//! A running cluster.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::gateway;
use crate::message::{Recorded, Server};
use crate::server::{self, Load, Shared, Stall};
use crate::state::State;

/// A cluster on loopback, on threads of its own; it stops when it is dropped.
pub struct Cluster {
    shared: Shared,
    gateway: SocketAddr,
    servers: Vec<(Server, SocketAddr)>,
    runtime: Option<Runtime>,
}

impl Cluster {
    /// Starts the servers that the state has, each on a free port.
    #[must_use]
    pub fn start(state: State) -> Cluster {
        let mut present = vec![Server::Master];
        present.extend(state.standby.then_some(Server::Standby));
        present.extend(state.exhibitor.as_ref().map(|_| Server::Exhibitor));
        present.extend(state.marathon.as_ref().map(|_| Server::Marathon));
        present.extend(state.iam.as_ref().map(|_| Server::Iam));

        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("stand-in")
            .enable_all()
            .build()
            .expect("threads to run on");
        let shared = Shared::new(state);
        let listen = || {
            let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
            let listener = listener.expect("a free port on loopback");
            let address = listener.local_addr().expect("a bound socket");
            (listener, address)
        };
        let mut servers = Vec::new();
        for server in present {
            let (listener, address) = listen();
            runtime.spawn(server::serve(server, listener, shared.clone()));
            servers.push((server, address));
        }
        let (listener, gateway) = listen();
        runtime.spawn(gateway::serve(listener, servers.clone()));
        Cluster { shared, gateway, servers, runtime: Some(runtime) }
    }

    /// The gateway, for `http_proxy`: behind it are `leader.mesos:5050`,
    /// `standby.mesos:5050`, `leader.mesos:8181`, `marathon.mesos:8080` and
    /// `leader.mesos:80`.
    #[must_use]
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.gateway)
    }

    /// The master, without the gateway.
    #[must_use]
    pub fn master_url(&self) -> String {
        self.url(Server::Master, "/master/")
    }

    /// The master that does not lead, without the gateway; nothing listens there if the
    /// cluster has none. It sends its clients to the leader's name, behind the gateway.
    #[must_use]
    pub fn standby_url(&self) -> String {
        self.url(Server::Standby, "/master/")
    }

    /// Exhibitor, without the gateway; nothing listens there if the cluster has none.
    #[must_use]
    pub fn exhibitor_url(&self) -> String {
        self.url(Server::Exhibitor, "/")
    }

    /// Marathon's apps, without the gateway; nothing listens there if the cluster has none.
    #[must_use]
    pub fn marathon_url(&self) -> String {
        self.url(Server::Marathon, "/v2/apps/")
    }

    /// The login of DC/OS, without the gateway; nothing listens there if the cluster has none.
    #[must_use]
    pub fn login_url(&self) -> String {
        self.url(Server::Iam, "/")
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.lock().state.clone()
    }

    /// All requests so far, over all servers, in the order in which they arrived.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().requests.clone()
    }

    /// Lets nobody have an answer from then on, or everybody again.
    pub fn stall(&self, stall: Option<Stall>) {
        self.shared.lock().stall = stall;
    }

    /// How much was asked for at a time, over all servers.
    #[must_use]
    pub fn load(&self) -> Load {
        self.shared.lock().load
    }

    fn url(&self, server: Server, path: &str) -> String {
        let found = self.servers.iter().find(|(one, _)| *one == server);
        let address = found.map_or(SocketAddr::from(([127, 0, 0, 1], 1)), |(_, address)| *address);
        format!("http://{address}{path}")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use serde_json::{Value, json};
    use ureq::Error;
    use ureq::http::Request;

    use super::Cluster;
    use crate::client::{self, Response};
    use crate::message::Server;

    fn start(extra: Value) -> Cluster {
        let mut state = json!({"version": "1.11.0", "agents": []});
        for (key, value) in extra.as_object().unwrap() {
            state[key] = value.clone();
        }
        Cluster::start(serde_json::from_value(state).unwrap())
    }

    fn get(url: &str) -> Response {
        client::get(url).unwrap()
    }

    #[test]
    fn the_gateway_knows_the_default_names() {
        let cluster =
            start(json!({"exhibitor": {"znodes": ["/a"]}, "marathon": {"apps": ["/janitor"]}}));
        let proxy = cluster.proxy_url();
        let send = |url: &str, method: &str| {
            let request = Request::builder().method(method).uri(url).body(String::new());
            client::send(Some(&proxy), request.unwrap()).unwrap()
        };
        let slaves = send("http://leader.mesos:5050/master/slaves", "GET");
        assert_eq!(
            (slaves.status, slaves.body.as_str()),
            (200, r#"{"slaves":[],"recovered_slaves":[]}"#)
        );
        let znode = send("http://leader.mesos:8181/exhibitor/v1/explorer/znode/a", "DELETE");
        assert_eq!(
            (znode.status, znode.body.as_str()),
            (200, r#"{"message":"OK","succeeded":true}"#)
        );
        let app = "http://marathon.mesos:8080/v2/apps/janitor?force=true";
        assert_eq!(send(app, "DELETE").status, 200);
        let again = send(app, "DELETE");
        assert_eq!(
            (again.status, again.body.as_str()),
            (404, r#"{"message":"App '/janitor' does not exist"}"#)
        );

        let state = cluster.state();
        assert!(state.exhibitor.unwrap().znodes.is_empty());
        assert!(state.marathon.unwrap().apps.is_empty());
        let requests = cluster.requests();
        let servers: Vec<_> = requests.iter().map(|request| request.server.to_string()).collect();
        assert_eq!(servers, ["master", "exhibitor", "marathon", "marathon"]);
        assert_eq!(requests[2].path, "/v2/apps/janitor?force=true");
    }

    #[test]
    fn the_gateway_refuses_what_is_not_there() {
        let cluster = start(json!({}));
        let proxy = cluster.proxy_url();
        for url in
            ["http://leader.mesos:8181/", "http://marathon.mesos:8080/", "http://example.com:80/"]
        {
            let request = Request::get(url).body(String::new()).unwrap();
            let refused = client::send(Some(&proxy), request).map(|answer| answer.status);
            let Err(Error::ConnectProxyFailed(why)) = refused else { panic!("{refused:?}") };
            assert!(why.contains("502"), "{why}");
        }
    }

    #[test]
    fn scripted_answers_come_first_and_run_out() {
        let cluster = start(json!({"answers": [
            {"server": "master", "method": "GET", "path": "/master/slaves", "status": 503, "times": 1,
                "content_type": "text/html", "body": "<html>", "headers": {"Retry-After": "1"}},
        ]}));
        let url = format!("{}slaves", cluster.master_url());
        let first = get(&url);
        assert_eq!((first.status, first.body.as_str()), (503, "<html>"));
        assert_eq!(first.headers["content-type"], "text/html");
        assert_eq!(first.headers["retry-after"], "1");
        assert_eq!(get(&url).status, 200);
        assert_eq!(cluster.state().answers[0].times, Some(0));
    }

    #[test]
    fn requests_are_kept_as_sent() {
        let cluster = start(json!({}));
        let url = format!("{}unreserve?x=%20", cluster.master_url());
        let request = Request::post(&url).header("Authorization", "token=t");
        let request = request.header("Content-Type", "a/b").body("slaveId=\u{e4}".into());
        client::send(None, request.unwrap()).unwrap();
        let requests = cluster.requests();
        let [request] = requests.as_slice() else { panic!("{requests:?}") };
        assert_eq!(request.server, Server::Master);
        assert_eq!(request.method, "POST");
        assert_eq!(request.path, "/master/unreserve?x=%20");
        assert_eq!(request.content_type.as_deref(), Some("a/b"));
        assert_eq!(request.authorization.as_deref(), Some("token=t"));
        assert_eq!(request.body, "slaveId=\u{e4}");
    }

    #[test]
    fn nothing_listens_after_the_end() {
        let cluster = start(json!({}));
        let (url, absent) = (cluster.master_url(), cluster.exhibitor_url());
        assert!(client::get(&url).is_ok());
        assert!(client::get(&absent).is_err());
        drop(cluster);
        // Its threads end by themselves, soon.
        let closed = || client::get(&url).is_err();
        assert!((0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            closed()
        }));
    }

    #[test]
    fn a_master_that_does_not_lead_answers_for_itself_only() {
        let cluster = start(json!({"standby": true}));
        let url = cluster.standby_url();
        let slaves = get(&format!("{url}slaves?x=1"));
        assert_eq!(slaves.status, 307);
        assert_eq!(slaves.headers["location"], "//leader.mesos:5050/master/slaves?x=1");
        let root = url.replace("/master/", "");
        assert_eq!(get(&format!("{root}/registrar(1)/registry")).body, "{}");
        let elected = |root: &str| {
            let metrics = get(&format!("{root}/metrics/snapshot")).body;
            serde_json::from_str::<Value>(&metrics).unwrap()["master/elected"].clone()
        };
        assert_eq!(elected(&root), 0.0);
        assert_eq!(elected(&cluster.master_url().replace("/master/", "")), 1.0);
        assert_eq!(get(&format!("{url}metrics/snapshot")).status, 307);
        let leader = cluster.master_url();
        assert_eq!(get(&format!("{leader}metrics/snapshot")).status, 404);
    }

    #[test]
    fn each_server_wants_its_own_credentials() {
        let cluster = start(json!({
            "exhibitor": {"znodes": ["/a"], "credentials": "admin:a"},
            "marathon": {"apps": ["/x"], "credentials": "marathon:b"},
        }));
        let exhibitor =
            format!("{}exhibitor/v1/explorer/node-data?key=/a", cluster.exhibitor_url());
        let marathon = format!("{}x", cluster.marathon_url());
        let send = |url: &str, method: &str, user: &str| {
            let request = Request::builder().method(method).uri(url);
            let request = match user {
                "" => request,
                user => request.header("Authorization", format!("Basic {user}")),
            };
            client::send(None, request.body(String::new()).unwrap()).unwrap()
        };
        let (admin, user) = ("YWRtaW46YQ==", "bWFyYXRob246Yg==");
        for (url, method, good, bad) in
            [(&exhibitor, "GET", admin, user), (&marathon, "DELETE", user, admin)]
        {
            let refused = send(url, method, "");
            assert_eq!(refused.status, 401);
            let realm = refused.headers["www-authenticate"].to_str().unwrap();
            assert!(realm.starts_with("Basic realm="), "{realm}");
            assert!(refused.body.contains("<title>401 Unauthorized</title>"));
            assert_eq!(send(url, method, bad).status, 401);
            assert_eq!(send(url, method, good).status, 200);
        }
        assert_eq!(get(&format!("{}slaves", cluster.master_url())).status, 200);
    }

    #[test]
    fn a_deletion_can_end_without_an_answer() {
        for answer in ["reset", "never"] {
            let cluster = start(json!({
                "exhibitor": {"znodes": ["/a"], "late": {"answer": answer, "looks": 0}},
            }));
            let url = format!("{}exhibitor/v1/explorer/znode/a", cluster.exhibitor_url());
            let request = Request::delete(&url).body(String::new()).unwrap();
            let client = thread::spawn(move || client::send(None, request));
            if answer == "reset" {
                assert!(client.join().unwrap().is_err());
            }
            let gone = || cluster.state().exhibitor.unwrap().znodes.is_empty();
            assert!((0..500).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                gone()
            }));
        }
    }
}

//! Fuzzes the inputs that people type: URLs, nodes and services.

use janitor_contract::types::{Endpoint, Method, Request};
use janitor_guest as guest;

use crate::answers::{OPTIONS, Servers, looks, target};
use janitor_contract::call::Call;
use janitor_contract::endpoint::Endpoints;
use janitor_contract::ensemble::Ensemble;
use janitor_contract::likely::likely;
use janitor_contract::request::{EXPLORER, Server};
use janitor_report::service::{Naming, names};

/// Fuzzes URLs: an accepted URL is unambiguous, and a request stays below it.
pub fn urls(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Endpoints::new(&Endpoints::behind_admin_router(text)[0], text, text);
    if let Ok(ensemble) = text.parse::<Ensemble>() {
        assert_eq!(ensemble.to_string().parse(), Ok(ensemble));
    }
    for server in [Server::Master, Server::Exhibitor, Server::Marathon] {
        if let Some(likely) = likely(server, text) {
            assert!(!likely.contains(['@', '?', '#']), "{likely}");
        }
    }
    let plain = "http://h/";
    for (master, exhibitor, marathon) in
        [(text, plain, plain), (plain, text, plain), (plain, plain, text)]
    {
        let Ok(endpoints) = Endpoints::new(master, exhibitor, marathon) else { continue };
        let json = serde_json::to_string(&endpoints).expect("endpoints are JSON");
        let back: Endpoints = serde_json::from_str(&json).expect("they are read again");
        assert_eq!(back, endpoints);
        let all =
            [Endpoint::MasterRoot, Endpoint::Exhibitor, Endpoint::Marathon, Endpoint::MarathonPods];
        let bases = all.into_iter().map(|it| endpoints.base(it));
        for base in bases.chain(endpoints.masters().iter().map(String::as_str)) {
            assert!(
                ["http://", "https://", "zk://", "zk+https://"]
                    .iter()
                    .any(|it| base.starts_with(it)),
                "{base}"
            );
            assert!(base.ends_with('/') && !base.contains(['?', '#', ' ']), "{base}");
            let authority = base.split('/').nth(2).expect("an authority");
            assert!(!authority.is_empty() && !authority.contains('@'), "{base}");
        }
        for endpoint in all.into_iter().chain([Endpoint::Master]) {
            let request = Request {
                endpoint,
                method: Method::Get,
                path: vec!["..".into(), text.into()],
                query: vec![("k".into(), text.into())],
                content: None,
            };
            let url = endpoints.url(&request);
            let base = endpoints.base(endpoint);
            // The URL names only the first server of an ensemble.
            if base.starts_with("zk") && base.contains(',') {
                continue;
            }
            let below = url.strip_prefix(base).expect("below its base");
            let (path, query) = below.split_once('?').expect("a query");
            assert_eq!(path.matches('/').count(), 1, "{url}");
            assert!(!query.contains(['&', '#', '?']) && query.matches('=').count() == 1, "{url}");
        }
    }
}

/// Fuzzes a node and an app: requests name neither the root nor a node of the cluster itself, and
/// contain no ambiguous segment.
pub fn znode(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (znode, app) = text.split_once('\n').map_or((text, None), |(it, app)| (it, Some(app)));
    let target = target(None, None, Some(znode), app);
    let mut servers = Servers::ordinary(&Call::Clean(target.clone()));
    let result = guest::clean(&mut servers, &target, &OPTIONS);
    assert!(result.is_ok() || servers.sent.iter().all(looks), "a refused target was changed");
    for request in servers.sent.iter().filter(|request| !looks(request)) {
        assert_eq!(request.method, Method::Delete);
        let node = match request.endpoint.server() {
            Server::Exhibitor => {
                let node = request.path.strip_prefix(EXPLORER.map(String::from).as_slice());
                let node = node.and_then(|it| it.strip_prefix(&["znode".to_owned()]));
                let node = node.expect("a node");
                let first = node.first().expect("not the root");
                let system = [
                    "zookeeper",
                    "mesos",
                    "marathon",
                    "metronome",
                    "cosmos",
                    "dcos",
                    "bouncer",
                    "signal-service",
                    "cluster",
                    "cluster-id",
                    "cockroach",
                    "etcd",
                ];
                assert!(!system.contains(&first.as_str()), "{first}");
                node
            }
            Server::Marathon => &request.path,
            Server::Master => panic!("the target has nothing on the master"),
        };
        assert!(!node.is_empty());
        for segment in node {
            assert!(!["", ".", ".."].contains(&segment.as_str()), "{node:?}");
            // A proxy may truncate a name at a `;`, so that another node would be deleted.
            assert!(!segment.contains(|c: char| "/;".contains(c) || c.is_control()), "{node:?}");
        }
    }
    let mut servers = Servers::ordinary(&Call::Plan(target.clone()));
    let _ = guest::plan(&mut servers, &target, &OPTIONS);
    assert!(servers.sent.iter().all(looks));
}

/// Fuzzes the name of a service: the derived node is a single segment, and the target selects
/// something.
pub fn service(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for naming in [Naming::Sdk, Naming::Cassandra, Naming::Kafka] {
        let Ok(names) = names(text, naming) else { continue };
        let target = target(Some(&names.role), Some(&names.principal), Some(&names.znode), None);
        let refusal = guest::guard::check(&target, &OPTIONS).err();
        let is_odd = |c: char| "/;".contains(c) || c.is_whitespace() || c.is_control();
        let is_wrong = guest::guard::is_system_znode(&names.znode) || names.role.contains(is_odd);
        assert!(refusal.is_some() || !is_wrong, "{text:?}");
        assert!(!names.role.contains('/') && !names.znode.contains('/'), "{names:?}");
    }
}

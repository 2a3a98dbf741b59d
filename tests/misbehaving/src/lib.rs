//! A component that breaks its contract. The role in its target selects the violation.
#![cfg(target_family = "wasm")]
#![allow(clippy::panic, unconditional_recursion, reason = "breaking down is what it is for")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings {
    #![allow(missing_docs, clippy::all, unsafe_op_in_unsafe_fn)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "cleaner",
        with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
    });
}
use bindings::exports::janitor::cleanup::cleanup::Guest;
use bindings::janitor::cleanup::{cluster, log};
use janitor_contract::types::{
    CleanupPlan, Content, Elsewhere, Endpoint, Entry, Event, Failure, Framework, Inventory, Level,
    Method, Options, ReadFailure, Report, Request, Target,
};

thread_local! {
    static KEPT: std::cell::RefCell<Option<cluster::Response>> = const { std::cell::RefCell::new(None) };
}

struct Component;

bindings::export!(Component with_types_in bindings);

impl Guest for Component {
    fn plan(_: Target, _: Options) -> Result<CleanupPlan, ReadFailure> {
        panic!("no test calls this")
    }

    fn apply(_: CleanupPlan, _: Options) -> Result<Report, Failure> {
        panic!("no test calls this")
    }

    fn discover(_: Options) -> Result<Inventory, ReadFailure> {
        panic!("no test calls this")
    }

    fn plan_all(_: Vec<Target>, _: Options) -> Vec<Result<CleanupPlan, ReadFailure>> {
        panic!("no test calls this")
    }

    fn apply_all(_: Vec<CleanupPlan>, _: Options) -> Vec<Result<Report, Failure>> {
        panic!("no test calls this")
    }

    fn clean_all(targets: Vec<Target>, options: Options) -> Vec<Result<Report, Failure>> {
        targets.into_iter().map(|target| Self::clean(target, options.clone())).collect()
    }

    fn clean(target: Target, _: Options) -> Result<Report, Failure> {
        janitor_contract::panics::report(log::write);
        match target.role.as_deref().unwrap_or_default() {
            "asks for what is not its business" => {
                drop(cluster::send(&get("quota")));
                // It continues as if nothing had happened.
                drop(cluster::send(&get("slaves")));
            }
            "removes what is not its business" => {
                let form = b"slaveId=S1&resources=[{\"role\":\"other\",\"reservation\":{}}]";
                drop(cluster::send(&post("unreserve", form)));
            }
            "ends what is not its business" => {
                // It may read the list and tear down frameworks that use its role; it then tears
                // down another.
                if let Ok(answer) =
                    cluster::send(&get("frameworks")).and_then(cluster::Exchange::finish)
                {
                    while answer.read(64).is_ok_and(|bytes| !bytes.is_empty()) {}
                }
                for form in [b"frameworkId=OWN", b"frameworkId=ITS"] {
                    drop(
                        cluster::send(&post("teardown", form)).and_then(cluster::Exchange::finish),
                    );
                }
            }
            // A real master needs a valid role name, to show which frameworks use it. The principal
            // is the framework's id.
            "ends-a-framework" => {
                if let Ok(list) =
                    cluster::send(&get("frameworks")).and_then(cluster::Exchange::finish)
                {
                    while list.read(1 << 16).is_ok_and(|piece| !piece.is_empty()) {}
                }
                let form = format!("frameworkId={}", target.principal.unwrap_or_default());
                let content = Content {
                    media_type: "application/x-www-form-urlencoded".into(),
                    bytes: form.into(),
                };
                let request =
                    Request { method: Method::Post, content: Some(content), ..get("teardown") };
                if let Ok(exchange) = cluster::send(&request) {
                    drop(cluster::Exchange::finish(exchange));
                }
            }
            // This is a valid role name too. Each line of the znode contains an operator endpoint
            // and a form for it; after the first denial, all further requests are denied.
            "sends-forms" => {
                if let Ok(list) = cluster::send(&get("slaves")).and_then(cluster::Exchange::finish)
                {
                    while list.read(1 << 16).is_ok_and(|piece| !piece.is_empty()) {}
                }
                for line in target.znode.unwrap_or_default().lines() {
                    let (path, form) = line.split_once(' ').unwrap_or_default();
                    let content = Content {
                        media_type: "application/x-www-form-urlencoded".into(),
                        bytes: form.into(),
                    };
                    let request =
                        Request { method: Method::Post, content: Some(content), ..get(path) };
                    drop(cluster::send(&request).and_then(cluster::Exchange::finish));
                }
            }
            "sends without end" => {
                let mut exchanges = Vec::new();
                while let Ok(exchange) = cluster::send(&get("slaves")) {
                    exchanges.push(exchange);
                }
            }
            "sends and forgets" => while cluster::send(&get("slaves")).is_ok() {},
            // The first call keeps a response, from which the second one reads.
            "keeps an answer" => KEPT.with_borrow_mut(|kept| match kept {
                Some(answer) => drop(answer.read(64)),
                None => {
                    *kept = cluster::send(&get("slaves")).and_then(cluster::Exchange::finish).ok()
                }
            }),
            "hoards answers" => {
                let mut answers = Vec::new();
                while let Ok(exchange) = cluster::send(&get("slaves")) {
                    answers.push(cluster::Exchange::finish(exchange));
                }
            }
            "asks again and again" => {
                while let Ok(exchange) = cluster::send(&get("slaves")) {
                    drop(cluster::Exchange::finish(exchange));
                }
            }
            "sends too much" => {
                drop(cluster::send(&post("unreserve", &vec![b'a'; (1 << 20) + 1])));
            }
            "reads nothing" => {
                if let Ok(response) =
                    cluster::send(&get("slaves")).and_then(cluster::Exchange::finish)
                {
                    drop(response.read(0));
                }
            }
            "panics" => panic!("the component's last words"),
            "loops" => loop {
                std::hint::black_box(0);
            },
            "pauses" => loop {
                let _ = cluster::pause(u32::MAX);
            },
            "reads the clock without end" => loop {
                cluster::elapsed();
            },
            "tells the time" => {
                for _ in 0..3 {
                    if let Ok(exchange) = cluster::send(&get("slaves")) {
                        drop(cluster::Exchange::finish(exchange));
                    }
                    say(&format!("{} ms", cluster::elapsed()));
                    let _ = cluster::pause(1000);
                }
            }
            "looks at the root" => {
                let path = vec!["registrar(1)".into(), "registry".into()];
                for request in [
                    Request { endpoint: Endpoint::MasterRoot, ..get("version") },
                    Request { endpoint: Endpoint::MasterRoot, path, ..get("") },
                ] {
                    drop(cluster::send(&request));
                }
            }
            "hoards memory" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(vec![1u8; 1 << 20]);
                }
            }
            "digs too deep" => drop(dig(&[0; 64])),
            "floods the log" => loop {
                say("\x1b[2J again");
            },
            "tells too much" => {
                // The texts are short, but numerous.
                let roles = vec!["role".into(); 1000];
                let (id, name) = ("F".into(), "framework".into());
                let framework = Framework { id, name, active: true, roles, tasks: 0 };
                let event = Some(Event::Framework(framework));
                log::write(&Entry { level: Level::Info, message: String::new(), event });
            }
            "reports too much" => {
                let it =
                    Elsewhere { role: "role".into(), principal: None, resources: 0, agents: 0 };
                return Ok(Report { elsewhere: vec![it; 100_000], ..Report::NOTHING });
            }
            "steers the terminal" => say("\x1b[2J \u{9b}2J \u{202e}sdrawkcab\nand more"),
            _ => {}
        }
        Ok(Report::NOTHING)
    }
}

fn get(path: &str) -> Request {
    Request {
        endpoint: Endpoint::Master,
        method: Method::Get,
        path: vec![path.into()],
        query: Vec::new(),
        content: None,
    }
}

fn post(path: &str, form: &[u8]) -> Request {
    let media_type = "application/x-www-form-urlencoded".into();
    let content = Content { media_type, bytes: form.into() };
    Request { method: Method::Post, content: Some(content), ..get(path) }
}

fn say(message: &str) {
    log::write(&Entry { level: Level::Info, message: message.into(), event: None });
}

fn dig(hole: &[u8; 64]) -> u8 {
    let mut deeper = *hole;
    deeper[0] = std::hint::black_box(deeper[0]).wrapping_add(1);
    let bottom = dig(&deeper);
    std::hint::black_box(&deeper)[0].wrapping_add(bottom)
}

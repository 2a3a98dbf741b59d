//! A component that breaks its contract: the role that it is asked to clean
//! says in which way.
#![cfg(target_family = "wasm")]
#![allow(clippy::panic, unconditional_recursion, reason = "breaking down is what it is for")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings {
    #![allow(missing_docs, clippy::all, unsafe_op_in_unsafe_fn)]
    wit_bindgen::generate!({ path: "../../wit", world: "cleaner", generate_all });
}

use bindings::exports::janitor::cleanup::cleanup::{
    CleanupPlan, Failure, Guest, Inventory, Options, Report, Target,
};
use bindings::janitor::cleanup::http::{self, Endpoint, Method, Request};
use bindings::janitor::cleanup::log::{self, Entry, Level};

struct Component;

bindings::export!(Component with_types_in bindings);

impl Guest for Component {
    fn plan(_: Target, _: Options) -> Result<CleanupPlan, Failure> {
        panic!("not asked for")
    }

    fn apply(_: CleanupPlan, _: Options) -> Result<Report, Failure> {
        panic!("not asked for")
    }

    fn discover(_: Options) -> Result<Inventory, Failure> {
        panic!("not asked for")
    }

    fn clean(target: Target, _: Options) -> Result<Report, Failure> {
        match target.role.as_deref().unwrap_or_default() {
            "asks for what is not its business" => {
                drop(http::send(&get("state")));
                // And then goes on as if nothing had happened.
                drop(http::send(&get("slaves")));
            }
            "removes what is not its business" => {
                let form = "slaveId=S1&resources=[{\"role\":\"other\",\"reservation\":{}}]";
                let content = http::Content {
                    media_type: "application/x-www-form-urlencoded".into(),
                    bytes: form.into(),
                };
                let request =
                    Request { method: Method::Post, content: Some(content), ..get("unreserve") };
                drop(http::send(&request));
            }
            "sends without end" => {
                let mut exchanges = Vec::new();
                while let Ok(exchange) = http::send(&get("slaves")) {
                    exchanges.push(exchange);
                }
            }
            "sends and forgets" => while http::send(&get("slaves")).is_ok() {},
            "hoards answers" => {
                let mut answers = Vec::new();
                while let Ok(exchange) = http::send(&get("slaves")) {
                    answers.push(http::Exchange::finish(exchange));
                }
            }
            "asks again and again" => {
                while let Ok(exchange) = http::send(&get("slaves")) {
                    drop(http::Exchange::finish(exchange));
                }
            }
            "sends too much" => {
                let content = http::Content {
                    media_type: "application/x-www-form-urlencoded".into(),
                    bytes: vec![b'a'; (1 << 20) + 1],
                };
                let request =
                    Request { method: Method::Post, content: Some(content), ..get("unreserve") };
                drop(http::send(&request));
            }
            "reads nothing" => {
                if let Ok(response) = http::send(&get("slaves")).and_then(http::Exchange::finish) {
                    drop(response.read(0));
                }
            }
            "panics" => panic!("the component's last words"),
            "loops" => loop {
                std::hint::black_box(0);
            },
            "pauses" => loop {
                let _ = http::pause(u32::MAX);
            },
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
            "floods standard error" => loop {
                eprintln!("again");
            },
            _ => {}
        }
        Ok(Report {
            mesos_version: None,
            agents: Vec::new(),
            confirmed: Vec::new(),
            unreached: Vec::new(),
            left: None,
            znode: None,
            self_removal: None,
        })
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

fn say(message: &str) {
    log::write(&Entry { level: Level::Info, message: message.into(), event: None });
}

fn dig(hole: &[u8; 64]) -> u8 {
    let mut deeper = *hole;
    deeper[0] = std::hint::black_box(deeper[0]).wrapping_add(1);
    let bottom = dig(&deeper);
    std::hint::black_box(&deeper)[0].wrapping_add(bottom)
}

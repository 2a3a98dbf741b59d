//! A service that cleans up after many services at once, on one thread. It sends its requests with
//! its own async HTTP client.
//!
//!     cargo run --package janitor-nonblocking -- http://127.0.0.1:5050/ http://127.0.0.1:8181/ kafka-role hdfs-role

use std::env;
use std::error::Error;

use futures_util::future::join_all;
use janitor_host::{AsyncSession, Endpoints, Entry, Janitor, Level, Options, Target};
use janitor_nonblocking::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(clean_all())
}

async fn clean_all() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [master, exhibitor, roles @ ..] = arguments.as_slice() else {
        return Err("usage: nonblocking MASTER_URL EXHIBITOR_URL ROLE...".into());
    };
    let endpoints = Endpoints::new(master, exhibitor, Endpoints::MARATHON)?;
    let janitor = &Janitor::new()?;
    let runs = roles.iter().map(|role| {
        let prefix = role.clone();
        let session = AsyncSession::new_async(Client::new(endpoints.clone()));
        let session = session.with_log(move |entry: &Entry| {
            if entry.level != Level::Debug {
                println!("{prefix}: {}", entry.message);
            }
        });
        let target = Target { role: Some(role.clone()), ..Target::NOTHING };
        async move { janitor.clean_async(&target, &Options::DEFAULT, session).await }
    });
    for (role, result) in roles.iter().zip(join_all(runs).await) {
        match result {
            Ok(report) => println!("{role}: {} phases are confirmed", report.confirmed.len()),
            Err(error) => println!("{role}: {error}"),
        }
    }
    Ok(())
}

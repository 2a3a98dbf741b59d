//! A service that cleans up after many services at once, on one thread. It sends its requests with
//! its own async HTTP client, and has at most LIMIT exchanges in progress with each cluster. Standard
//! input has a line for each service: the URLs of its master and of its Exhibitor, and its role.
//!
//!     cargo run --package janitor-nonblocking -- LIMIT
//!     http://127.0.0.1:5050/master/ http://127.0.0.1:8181/ kafka-role

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::num::NonZeroU32;
use std::time::Instant;

use futures_util::future::join_all;
use janitor_host::{AsyncSession, Endpoints, Entry, Janitor, Level, Options, Target, Turns};
use janitor_nonblocking::Client;

fn main() -> Result<(), Box<dyn Error>> {
    // Tokio looks up the names of servers on threads.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(8).build()?.block_on(clean_all())
}

async fn clean_all() -> Result<(), Box<dyn Error>> {
    let limit = env::args().nth(1).and_then(|limit| limit.parse::<NonZeroU32>().ok());
    let limit = limit.ok_or("usage: janitor-nonblocking LIMIT <SERVICES")?;
    let janitor = &Janitor::new()?;
    let mut clusters = HashMap::new();
    let mut runs = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let [master, exhibitor, role] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(format!("not MASTER_URL EXHIBITOR_URL ROLE: {line}").into());
        };
        let endpoints = Endpoints::new(master, exhibitor, Endpoints::MARATHON)?;
        let cluster = || (Client::new(endpoints), Turns::new(limit));
        let (client, turns) = clusters.entry(master.to_owned()).or_insert_with(cluster);
        let (role, prefix) = (role.to_owned(), role.to_owned());
        let session = AsyncSession::in_turns(client.clone(), turns);
        let session = session.with_log(move |entry: &Entry| {
            if !matches!(entry.level, Level::Debug | Level::Info) {
                eprintln!("{prefix}: {}", entry.message);
            }
        });
        let target = Target { role: Some(role.clone()), ..Target::NOTHING };
        runs.push(async move {
            let start = Instant::now();
            let result = janitor.clean_async(&target, &Options::DEFAULT, session).await;
            let seconds = start.elapsed().as_secs_f64();
            match result {
                Ok(report) => {
                    println!("{role}: {} phases confirmed, {seconds:.3} s", report.confirmed.len());
                }
                Err(error) => println!("{role}: {error}, {seconds:.3} s"),
            }
        });
    }
    join_all(runs).await;
    Ok(())
}

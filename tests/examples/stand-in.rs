//! Starts a stand-in cluster for experiments, and stops it when Enter is pressed: `cargo run
//! --example stand-in tests/scenarios/the-sample-result/cluster.json`

use std::error::Error;
use std::{env, fs, io};

use janitor_tests::Cluster;

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).ok_or("usage: stand-in CLUSTER.JSON")?;
    let cluster = Cluster::start(serde_json::from_slice(&fs::read(file)?)?);
    println!("export http_proxy={}", cluster.proxy_url());
    let urls = (cluster.master_url(), cluster.exhibitor_url(), cluster.marathon_url());
    println!("# or: -m {} -e {} -n {}", urls.0, urls.1, urls.2);
    io::stdin().read_line(&mut String::new())?;
    for request in cluster.requests() {
        println!("{} {} {}", request.server, request.method, request.path);
    }
    Ok(())
}

//! Cleans up after a dead Mesos service, on one thread. It writes the log to standard error, and the
//! report to standard output, as one line of JSON; the exit code is 5 if the cleanup failed. The
//! component checks which requests are allowed; this program does not.
//!
//! With `--fleet LIMIT` it cleans up after many services at once, with at most LIMIT exchanges in
//! progress with each master. Standard input has a line for each: the URLs of its master and of its
//! Exhibitor, and its role.
//!
//!     janitor-embedder --component janitor.wasm -r ROLE -p PRINCIPAL -z ZNODE -m MASTER_URL -e EXHIBITOR_URL -n MARATHON_APPS_URL

mod bindings;
mod cluster;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use clap::Parser;
use futures_util::future::join_all;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::time::{interval, timeout};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Result, Store};

use bindings::janitor::cleanup::types::{Entry, Failure, InUse, Level, Options, Report, Target};
use bindings::janitor::cleanup::{log, types};
use bindings::{Cleaner, CleanerPre};

/// The command line, as janitor's own.
#[derive(Clone, Parser)]
struct Arguments {
    /// The component, or what `--compile` made of it
    #[arg(long, default_value = "janitor.wasm")]
    component: String,
    /// Only compile the component, into this file
    #[arg(long)]
    compile: Option<String>,
    #[arg(short, long)]
    role: Option<String>,
    #[arg(short, long)]
    principal: Option<String>,
    #[arg(short, long)]
    zk_path: Option<String>,
    #[arg(short, long, default_value = "http://leader.mesos:5050/master/")]
    master_url: String,
    #[arg(short, long, default_value = "http://leader.mesos:8181/")]
    exhibitor_url: String,
    #[arg(short = 'n', long, default_value = "http://marathon.mesos:8080/v2/apps/")]
    marathon_url: String,
    #[arg(long)]
    force: bool,
    #[arg(long, value_name = "LIMIT")]
    fleet: Option<usize>,
}

/// The state of one run.
struct Run {
    arguments: Arguments,
    table: ResourceTable,
    start: Instant,
    in_flight: u32,
    /// The exchanges that can begin, of all runs on the cluster.
    exchanges: Arc<Semaphore>,
}

impl types::Host for Run {}

impl log::Host for Run {
    fn write(&mut self, entry: Entry) -> Result<()> {
        if entry.level != Level::Debug {
            eprintln!("{}", printable(&entry.message));
        }
        Ok(())
    }
}

fn main() -> Result<ExitCode> {
    Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let engine = Engine::new(Config::new().epoch_interruption(true).concurrency_support(false))?;
    if let Some(file) = &arguments.compile {
        fs::write(file, engine.precompile_component(&fs::read(&arguments.component)?)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    // A component that computes returns to the runtime at each tick, so that its time is limited.
    let clock = engine.clone();
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_millis(10));
        loop {
            ticks.tick().await;
            clock.increment_epoch();
        }
    });
    let mut linker = Linker::new(&engine);
    Cleaner::add_to_linker::<_, HasSelf<Run>>(&mut linker, |run| run)?;
    let component = load(&engine, &arguments.component)?;
    let cleaner = CleanerPre::new(linker.instantiate_pre(&component)?)?;
    if let Some(limit) = arguments.fleet {
        clean_all(&cleaner, &arguments, limit).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let exchanges = Arc::new(Semaphore::new(cluster::WINDOW as usize));
    let (report, code) = match clean(&cleaner, arguments, exchanges).await? {
        Ok(report) => (report, ExitCode::SUCCESS),
        Err(failure) => {
            eprintln!("{}", printable(&failure.message));
            (failure.report, ExitCode::from(5))
        }
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(code)
}

/// Cleans the targets that standard input names, at once.
async fn clean_all(cleaner: &CleanerPre<Run>, shared: &Arguments, limit: usize) -> Result<()> {
    let mut clusters = HashMap::new();
    let mut runs = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let [master, exhibitor, role] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            wasmtime::bail!("not MASTER_URL EXHIBITOR_URL ROLE: {line}");
        };
        let exchanges = clusters.entry(master.to_owned());
        let exchanges = exchanges.or_insert_with(|| Arc::new(Semaphore::new(limit))).clone();
        let (role, arguments) = (role.to_owned(), shared.clone());
        let (master_url, exhibitor_url) = (master.to_owned(), exhibitor.to_owned());
        let arguments =
            Arguments { role: Some(role.clone()), master_url, exhibitor_url, ..arguments };
        runs.push(async move {
            let start = Instant::now();
            let result = clean(cleaner, arguments, exchanges).await;
            let seconds = start.elapsed().as_secs_f64();
            match result {
                Ok(Ok(report)) => {
                    println!("{role}: {} phases confirmed, {seconds:.3} s", report.confirmed.len());
                }
                Ok(Err(failure)) => {
                    println!("{role}: {}, {seconds:.3} s", printable(&failure.message));
                }
                Err(error) => println!("{role}: {error:#}, {seconds:.3} s"),
            }
        });
    }
    join_all(runs).await;
    Ok(())
}

/// Cleans the target that the arguments name.
async fn clean(
    cleaner: &CleanerPre<Run>,
    arguments: Arguments,
    exchanges: Arc<Semaphore>,
) -> Result<Result<Report, Failure>> {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let target = Target {
        role: arguments.role.clone(),
        principal: arguments.principal.clone(),
        znode: arguments.zk_path.clone(),
        marathon_app: env::var("MARATHON_APP_ID").ok(),
        labels: vec![],
        framework_id: None,
        agents: vec![],
    };
    let options = Options {
        confirm_seconds: 30,
        wait_seconds: 0,
        in_use: if arguments.force { InUse::Force } else { InUse::Refuse },
        system_znode: false,
        teardown: vec![],
        strict: false,
        whole_service: false,
        ignored_agents: vec![],
        znode_root: None,
        zookeeper: false,
    };
    let (table, start) = (ResourceTable::new(), Instant::now());
    let run = Run { arguments, table, start, in_flight: 0, exchanges };
    let mut store = Store::new(cleaner.engine(), run);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    timeout(HOUR, async {
        let cleaner = cleaner.instantiate_async(&mut store).await?;
        cleaner.janitor_cleanup_cleanup().call_clean(&mut store, &target, &options).await
    })
    .await?
}

/// Loads a component, which takes seconds if it has to be compiled.
#[allow(unsafe_code)]
fn load(engine: &Engine, file: &str) -> Result<Component> {
    match Engine::detect_precompiled_file(file)? {
        // SAFETY: `--compile` made this file, according to the person who names it.
        Some(_) => unsafe { Component::deserialize_file(engine, file) },
        None => Component::from_file(engine, file),
    }
}

/// Escapes characters that control a terminal, or change the direction of writing on it.
fn printable(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let escape = |c: char| if is_hidden(c) { c.escape_unicode().to_string() } else { c.into() };
    text.chars().map(escape).collect()
}

//! Cleans up after a dead Mesos service, on one thread. It writes the log to standard error, and the
//! report to standard output, as one line of JSON; the exit code is 5 if the cleanup failed. The
//! component checks which requests are allowed; this program does not.
//!
//!     janitor-embedder --component janitor.wasm -r ROLE -p PRINCIPAL -z ZNODE -m MASTER_URL -e EXHIBITOR_URL -n MARATHON_APPS_URL

mod bindings;
mod cluster;

use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

use clap::Parser;
use tokio::runtime::Builder;
use tokio::time::{interval, timeout};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Result, Store};

use bindings::Cleaner;
use bindings::janitor::cleanup::types::{Entry, InUse, Level, Options, Target};
use bindings::janitor::cleanup::{log, types};

/// The command line, as janitor's own.
#[derive(Parser)]
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
}

/// The state of one run.
struct Run {
    arguments: Arguments,
    table: ResourceTable,
    start: Instant,
    in_flight: u32,
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
    const HOUR: Duration = Duration::from_secs(60 * 60);
    timeout(HOUR, clean(&engine, arguments)).await?
}

/// Cleans the target that the command line names.
async fn clean(engine: &Engine, arguments: Arguments) -> Result<ExitCode> {
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
    let component = load(engine, &arguments.component)?;
    let mut linker = Linker::new(engine);
    Cleaner::add_to_linker::<_, HasSelf<Run>>(&mut linker, |run| run)?;
    let run = Run { arguments, table: ResourceTable::new(), start: Instant::now(), in_flight: 0 };
    let mut store = Store::new(engine, run);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    let cleaner = Cleaner::instantiate_async(&mut store, &component, &linker).await?;
    let result =
        cleaner.janitor_cleanup_cleanup().call_clean(&mut store, &target, &options).await?;
    let (report, code) = match result {
        Ok(report) => (report, ExitCode::SUCCESS),
        Err(failure) => {
            eprintln!("{}", printable(&failure.message));
            (failure.report, ExitCode::from(5))
        }
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(code)
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

//! Detects performance regressions by counting instead of timing: the fuel that the component uses
//! for a fixed task is the same on every machine and under any load.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::bindings::cluster::{Host, HostExchange, HostResponse};
use crate::bindings::{Cleaner, cluster, log};
use clap::Args;
use janitor_contract::types::Error;
use janitor_host::{Call, Options as RunOptions};
use janitor_transport::exchange::{self, Request, Transport};
use janitor_transport::recording::read::Replay;
use serde::{Deserialize, Serialize};
use wasmtime::component::{Component, HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{Config, Engine, Result as Trappable, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::Result;
use crate::agents::{cluster, list};
use crate::memory::Memory;
use crate::micro::target;

/// The options of the comparison.
#[derive(Args)]
pub struct Options {
    /// Record the current fuel counts
    #[arg(long)]
    record: bool,
}

/// The recorded fuel counts.
#[derive(Serialize, Deserialize)]
struct Recorded {
    /// The largest accepted difference from a recorded count.
    tolerance_percent: u64,
    /// The fuel count of each task.
    fuel: BTreeMap<String, u64>,
}

/// Compares the fuel with the recorded counts.
pub fn guard(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("tests/bench/guard.json");
    let mut recorded: Recorded = serde_json::from_slice(&fs::read(&file)?)?;
    let now = fuel(&root)?;
    if options.record {
        recorded.fuel = now;
        return Ok(fs::write(file, serde_json::to_string_pretty(&recorded)? + "\n")?);
    }
    let mut far = Vec::new();
    for (name, now) in &now {
        let then = recorded.fuel.get(name).copied().unwrap_or_default();
        println!("{name}: {now} units of fuel, {then} recorded");
        if now.abs_diff(then) * 100 > then * recorded.tolerance_percent {
            far.push(name.as_str());
        }
    }
    if far.is_empty() {
        return Ok(());
    }
    let tolerance = recorded.tolerance_percent;
    let far = far.join(", ");
    Err(format!(
        "the component's fuel count has changed by more than {tolerance} %: {far}. If that is \
         intended, or caused by another compiler, record it again: \
         cargo run --package janitor-bench -- guard --record"
    )
    .into())
}

/// Measures the fuel of all tasks.
fn fuel(root: &Path) -> Result<BTreeMap<String, u64>> {
    let mut config = Config::new();
    config.consume_fuel(true).concurrency_support(false);
    let engine = Engine::new(&config)?;
    let component = Component::from_binary(&engine, janitor_component::CLEANUP)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    Cleaner::add_to_linker::<_, HasSelf<Run>>(&mut linker, |run| run)?;
    let spend = |transport, window, call: &Call, options: &RunOptions| -> Result<u64> {
        let (wasi, table) = (WasiCtx::builder().build(), ResourceTable::new());
        let run = Run { wasi, table, transport, window };
        let mut store = Store::new(&engine, run);
        store.set_fuel(u64::MAX)?;
        let cleaner = Cleaner::instantiate(&mut store, &component, &linker)?;
        let cleanup = cleaner.janitor_cleanup_cleanup();
        let ended = match call {
            Call::Clean(target) => cleanup
                .call_clean(&mut store, target, options)?
                .map(drop)
                .map_err(|failure| failure.message),
            Call::Plan(target) => cleanup
                .call_plan(&mut store, target, options)?
                .map(drop)
                .map_err(|failure| failure.message),
            _ => return Err("only cleanups and plans are counted".into()),
        };
        ended?;
        Ok(u64::MAX - store.get_fuel()?)
    };
    let replay = Replay::open(&root.join("tests/recordings/cassandra-0.28.1.har"))?;
    let run = replay.run();
    let replayed = spend(replay.transport(), run.window, &run.call, &run.options)?;
    if let Some(deviation) = replay.deviations().first() {
        return Err(deviation.as_str().into());
    }
    let master = Memory::new(list(&cluster(1_000, 50)));
    let call = Call::Plan(target());
    let planned = spend(Box::new(master), 32, &call, &RunOptions::DEFAULT)?;
    Ok([("replay of cassandra-0.28.1", replayed), ("plan of 1,000 agents", planned)]
        .map(|(name, fuel)| (name.into(), fuel))
        .into())
}

/// The imports of one run: those of the host, without its limits.
struct Run {
    wasi: WasiCtx,
    table: ResourceTable,
    transport: Box<dyn Transport>,
    window: u32,
}

type Exchange = Box<dyn exchange::Exchange>;

/// Converts a handle between the contract's type and the type in the table.
fn same<From: 'static, To: 'static>(handle: &Resource<From>) -> Resource<To> {
    Resource::new_own(handle.rep())
}

impl Host for Run {
    fn send(
        &mut self,
        request: Request,
    ) -> Trappable<std::result::Result<Resource<cluster::Exchange>, Error>> {
        let exchange: Exchange = self.transport.send(request);
        Ok(Ok(same(&self.table.push(exchange)?)))
    }

    fn window(&mut self) -> Trappable<u32> {
        Ok(self.window)
    }

    fn pause(&mut self, _: u32) -> Trappable<bool> {
        Ok(true)
    }

    fn elapsed(&mut self) -> Trappable<u64> {
        let now = self.transport.elapsed(Duration::ZERO);
        Ok(u64::try_from(now.as_millis())?)
    }
}

impl HostExchange for Run {
    fn finish(
        &mut self,
        exchange: Resource<cluster::Exchange>,
    ) -> Trappable<std::result::Result<Resource<cluster::Response>, Error>> {
        let exchange: Exchange = self.table.delete(same(&exchange))?;
        match exchange.finish() {
            Ok(response) => Ok(Ok(same(&self.table.push(response)?))),
            Err(error) => Ok(Err(error)),
        }
    }

    fn drop(&mut self, exchange: Resource<cluster::Exchange>) -> Trappable<()> {
        self.table.delete::<Exchange>(same(&exchange))?;
        Ok(())
    }
}

impl HostResponse for Run {
    fn status(&mut self, response: Resource<cluster::Response>) -> Trappable<u16> {
        Ok(self.table.get::<exchange::Response>(&same(&response))?.status)
    }

    fn read(
        &mut self,
        response: Resource<cluster::Response>,
        limit: u32,
    ) -> Trappable<std::result::Result<Vec<u8>, Error>> {
        let mut buffer = vec![0; limit as usize];
        let response = self.table.get_mut::<exchange::Response>(&same(&response))?;
        Ok(response.body.read(&mut buffer).map(|count| {
            buffer.truncate(count);
            buffer
        }))
    }

    fn drop(&mut self, response: Resource<cluster::Response>) -> Trappable<()> {
        self.table.delete::<exchange::Response>(same(&response))?;
        Ok(())
    }
}

impl janitor_contract::types::Host for Run {}

impl log::Host for Run {
    fn write(&mut self, _: log::Entry) -> Trappable<()> {
        Ok(())
    }
}

impl WasiView for Run {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_uses_no_more_fuel_than_before() -> Result<()> {
        guard(&Options { record: false })
    }
}

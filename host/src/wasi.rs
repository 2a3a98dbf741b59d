//! The remainder of WASI, for components from elsewhere: the interfaces that Rust's standard
//! library links by itself, all of them empty. Anything that is not listed here cannot even be
//! imported: there are no files, sockets, clocks or random numbers. The embedded component imports
//! none of it.

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, io, sync};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::carrier::Carrier;
use crate::state::State;

/// Creates a context in which every input is empty and every output except standard error is
/// discarded.
pub fn context(stderr: MemoryOutputPipe) -> WasiCtx {
    WasiCtx::builder().stderr(stderr).allow_tcp(false).allow_udp(false).build()
}

/// Adds `wasi:cli` and `wasi:io` to a linker, for runs that block.
///
/// # Errors
/// Fails only if an interface is added twice, which does not happen in practice.
pub fn add_to_linker<T: Carrier>(linker: &mut Linker<State<T>>) -> Result<()> {
    sync::io::poll::add_to_linker::<_, Io>(linker, |state| state.ctx().table)?;
    sync::io::streams::add_to_linker::<_, Io>(linker, |state| state.ctx().table)?;
    add_what_never_waits(linker)
}

/// Adds `wasi:cli` and `wasi:io` to a linker, for async runs.
///
/// # Errors
/// Fails only if an interface is added twice, which does not happen in practice.
#[cfg(feature = "async")]
pub fn add_to_linker_async<T: Carrier>(linker: &mut Linker<State<T>>) -> Result<()> {
    io::poll::add_to_linker::<_, Io>(linker, |state| state.ctx().table)?;
    io::streams::add_to_linker::<_, Io>(linker, |state| state.ctx().table)?;
    add_what_never_waits(linker)
}

fn add_what_never_waits<T: Carrier>(linker: &mut Linker<State<T>>) -> Result<()> {
    io::error::add_to_linker::<_, Io>(linker, |state| state.ctx().table)?;
    cli::environment::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, State::cli)?;
    Ok(())
}

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

impl<T: Carrier> WasiView for State<T> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

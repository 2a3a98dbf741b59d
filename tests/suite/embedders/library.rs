//! The library component in a host in Rust, whose HTTP is the runtime's: every function is typed,
//! and the host implements only the log.

use std::path::Path;
use std::sync::LazyLock;

use janitor_contract::types::{Entry, Options, Target};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::hosts::Place;
use crate::composed;

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit", "../../guest/wasi/wit"],
        world: "janitor:wasi/library",
        with: { "janitor:cleanup/types": janitor_contract::types },
    });
}

use bindings::Library;
use bindings::exports::janitor::wasi::settings::Configuration;
use bindings::janitor::cleanup::log;

/// The compiled component.
static COMPONENT: LazyLock<Component> = LazyLock::new(|| compiled(&composed::JANITOR));

/// The compiled component with a hostile guest.
static MISBEHAVING: LazyLock<Component> = LazyLock::new(|| compiled(&composed::MISBEHAVING));

fn compiled(folder: &Path) -> Component {
    Component::from_file(&Engine::default(), folder.join("janitor-library.wasm")).unwrap()
}

/// The state of the host.
#[derive(Default)]
struct Host {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    /// The messages of the log.
    said: Vec<String>,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: Default::default(), table: &mut self.table, ctx: &mut self.http }
    }
}

impl log::Host for Host {
    fn write(&mut self, entry: Entry) {
        self.said.push(entry.message);
    }
}

/// An instance of the component.
pub struct Instance {
    store: Store<Host>,
    library: Library,
}

impl Instance {
    /// Creates an instance that knows no servers.
    pub fn new() -> Self {
        Self::of(&COMPONENT)
    }

    /// Creates an instance with a hostile guest.
    pub fn misbehaving() -> Self {
        Self::of(&MISBEHAVING)
    }

    fn of(component: &Component) -> Self {
        let mut linker = Linker::new(component.engine());
        wasmtime_wasi_http::p2::add_to_linker_sync(&mut linker).unwrap();
        log::add_to_linker::<Host, HasSelf<Host>>(&mut linker, |host| host).unwrap();
        let mut store = Store::new(component.engine(), Host::default());
        let library = Library::instantiate(&mut store, component, &linker).unwrap();
        Self { store, library }
    }

    /// Sets the servers, and returns the error if one is invalid.
    pub fn configure(&mut self, place: &Place, token: Option<&str>) -> Result<(), String> {
        let configuration = Configuration {
            master: place.master.clone(),
            exhibitor: place.exhibitor.clone(),
            marathon: place.marathon.clone(),
            token: token.map(Into::into),
            window: 32,
            run_seconds: 600,
        };
        let settings = self.library.janitor_wasi_settings();
        settings.call_configure(&mut self.store, &configuration).unwrap()
    }

    /// Cleans up, and returns the report, or the sentence and the report of the failure.
    pub fn clean(
        &mut self,
        target: &Target,
        options: &Options,
    ) -> Result<String, (String, String)> {
        let cleanup = self.library.janitor_cleanup_cleanup();
        let text = |report| serde_json::to_string(report).unwrap();
        match cleanup.call_clean(&mut self.store, target, options).unwrap() {
            Ok(report) => Ok(text(&report)),
            Err(failure) => Err((failure.message, text(&failure.report))),
        }
    }

    /// Returns the messages of the log.
    pub fn said(&self) -> &[String] {
        &self.store.data().said
    }
}

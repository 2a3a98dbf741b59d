//! The embedded component, and what names any component.

use wasmtime::Engine;
use wasmtime::component::Component;

/// The component's machine code, made by the build script.
const CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/janitor.cwasm"));

/// The digest of the component, `sha256:` and 64 hexadecimal digits. It names
/// the WebAssembly that `guest/` compiles to, not the machine code made of it.
pub const DIGEST: &str = env!("JANITOR_COMPONENT_DIGEST");

/// The contract that the component is written against: the package of `wit/`, with its
/// version.
pub const PACKAGE: &str = env!("JANITOR_COMPONENT_PACKAGE");

/// The digest of a component, as [`DIGEST`] is written.
#[cfg(feature = "jit")]
pub fn digest(wasm: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{:x}", Sha256::digest(wasm))
}

/// The names of what a component imports.
pub fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    let imports = component.component_type();
    imports.imports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// Loads the component.
///
/// # Errors
/// When this processor lacks something that the machine code needs.
#[allow(unsafe_code)]
pub fn embedded(engine: &Engine) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from `Engine::precompile_component`, called by
    // this package's build script with this engine's configuration.
    unsafe { Component::deserialize(engine, CODE) }
}

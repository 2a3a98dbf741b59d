//! The embedded component, and the digest and imports that identify any component.

#[cfg(target_os = "linux")]
mod in_place;

use std::sync::{Mutex, PoisonError};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine;

/// The component's machine code, produced by the build script.
static CODE: &Pages<[u8]> = &Pages(*include_bytes!(concat!(env!("OUT_DIR"), "/janitor.cwasm")));

/// Bytes that start on a page boundary, for the usual page size.
#[repr(C, align(4096))]
struct Pages<Bytes: ?Sized>(Bytes);

/// The digest of the embedded component: `sha256:` and 64 hexadecimal digits. It identifies the
/// WebAssembly that `guest/cleanup` compiles to, not the machine code compiled from it.
pub const DIGEST: &str = env!("JANITOR_COMPONENT_DIGEST");

/// Computes the digest of a component, in the format of [`DIGEST`].
#[cfg(feature = "jit")]
pub fn digest(wasm: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{:x}", Sha256::digest(wasm))
}

/// Lists the names of the interfaces that a component imports.
pub fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    let imports = component.component_type();
    imports.imports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// Loads the embedded component. It is loaded once per process, and every call returns the same
/// one.
///
/// # Errors
/// Fails if this processor lacks a feature that the machine code needs.
pub fn embedded() -> wasmtime::Result<(Engine, Component)> {
    static LOADED: Mutex<Option<(Engine, Component)>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = &*loaded {
        return Ok(loaded.clone());
    }
    Ok(loaded.insert(load()?).clone())
}

/// Loads the component in place, or from a copy where that is not possible.
#[allow(unsafe_code)]
fn load() -> wasmtime::Result<(Engine, Component)> {
    #[cfg(target_os = "linux")]
    if let Some(loaded) = in_place::load(&CODE.0)? {
        return Ok(loaded);
    }
    let engine = Engine::new(&engine::config())?;
    // SAFETY: the bytes come from `Engine::precompile_component`, called by this package's build
    // script with this engine's configuration.
    let component = unsafe { Component::deserialize(&engine, &CODE.0)? };
    Ok((engine, component))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn nothing_is_copied() -> wasmtime::Result<()> {
        let (_, component) = embedded()?;
        let is_in_place = component.image_range().start == CODE.0.as_ptr();
        let can_be = CODE.0.as_ptr().addr().is_multiple_of(rustix::param::page_size());
        assert_eq!(is_in_place, can_be);
        let (_, again) = embedded()?;
        assert_eq!(component.image_range(), again.image_range());
        Ok(())
    }
}

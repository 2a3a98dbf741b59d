//! Runs machine code in place, in the program's own file: the system loads only the pages that are
//! needed, and nothing is copied.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use rustix::mm::{MprotectFlags, mprotect};
use rustix::param::page_size;
use wasmtime::component::Component;
use wasmtime::{CustomCodeMemory, Engine};

use crate::engine;

/// Loads a component, once per process, from machine code that this package's build script
/// produced. Returns `None` if the code does not start on a page boundary.
///
/// # Errors
/// Fails if this processor lacks a feature that the machine code needs.
pub fn load(code: &'static [u8]) -> wasmtime::Result<Option<(Engine, Component)>> {
    if !code.as_ptr().addr().is_multiple_of(page_size()) {
        return Ok(None);
    }
    let engine = Engine::new(engine::config().with_custom_code_memory(Some(Arc::new(Executable))))?;
    // SAFETY: the bytes come from `Engine::precompile_component` with this engine's configuration;
    // they are neither moved nor changed.
    let component = unsafe { Component::deserialize_raw(&engine, NonNull::from(code))? };
    Ok(Some((engine, component)))
}

/// Makes constants of the program executable.
struct Executable;

impl CustomCodeMemory for Executable {
    fn required_alignment(&self) -> usize {
        page_size()
    }

    fn publish_executable(&self, code: *const u8, length: usize) -> wasmtime::Result<()> {
        let access = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: these are whole pages of a constant. They become executable, and nothing else
        // about them changes.
        unsafe { mprotect(code.cast_mut().cast(), length, access)? };
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

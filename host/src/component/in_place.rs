//! Machine code that is run where it lies: in the program's own file, of which the
//! system reads the pages that are needed. Nothing is copied.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use rustix::mm::{MprotectFlags, mprotect};
use rustix::param::page_size;
use wasmtime::component::Component;
use wasmtime::{CustomCodeMemory, Engine};

use crate::engine;

/// Loads a component, once in a process, from machine code that this package's build
/// script has made; none if it does not begin with a page of memory.
///
/// # Errors
/// When this processor lacks something that the machine code needs.
pub fn load(code: &'static [u8]) -> wasmtime::Result<Option<(Engine, Component)>> {
    if !code.as_ptr().addr().is_multiple_of(page_size()) {
        return Ok(None);
    }
    let engine = Engine::new(engine::config().with_custom_code_memory(Some(Arc::new(Executable))))?;
    // SAFETY: the bytes come from `Engine::precompile_component` with this engine's
    // configuration, and stay where and what they are.
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
        // SAFETY: these are whole pages of a constant, and no more can be done with
        // them than before, but for running them.
        unsafe { mprotect(code.cast_mut().cast(), length, access)? };
        Ok(())
    }

    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

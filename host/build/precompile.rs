//! Compiles a component to machine code. The tests' build script uses this file too.

use std::env;
use std::error::Error;

use wasmtime::Engine;

#[path = "../src/engine.rs"]
mod engine;

/// Compiles a component to machine code for the target platform.
pub fn precompile(wasm: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut config = engine::config();
    // Setting the target keeps the features of this machine's processor out of code that will run
    // on another one.
    config.target(&env::var("TARGET")?)?;
    Ok(Engine::new(&config)?.precompile_component(wasm)?)
}

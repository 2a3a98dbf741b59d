//! How a component becomes machine code: for the tests' build script too.

use std::env;
use std::error::Error;

use wasmtime::Engine;

#[path = "../src/engine.rs"]
mod engine;

/// Turns a component into machine code for the platform that is built for.
pub fn precompile(wasm: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut config = engine::config();
    // Names the target, so that nothing of this machine's own processor gets
    // into what will run on another one.
    config.target(&env::var("TARGET")?)?;
    Ok(Engine::new(&config)?.precompile_component(wasm)?)
}

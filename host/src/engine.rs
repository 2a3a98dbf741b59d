//! The engine's configuration. The build script that precompiles the component
//! includes this very file, because machine code only loads into an engine of
//! the configuration that it was compiled for.

/// The stack of a component, in bytes.
pub const STACK: usize = 512 << 10;

/// How components are compiled and run.
pub fn config() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        // Lets a run's time limit interrupt a component that computes for ever.
        .epoch_interruption(true)
        // The component's calls are synchronous (WASI 0.2).
        .concurrency_support(false)
        .max_wasm_stack(STACK);
    config
}

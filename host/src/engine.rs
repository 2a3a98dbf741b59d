//! The engine's configuration. The build script that precompiles the component includes this file,
//! because machine code only loads into an engine with the configuration that it was compiled for.

/// The stack of a component, in bytes.
pub const STACK: usize = 512 << 10;

/// Returns the configuration with which components are compiled and run.
pub fn config() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        // Lets a run's time limit interrupt a component that never stops computing.
        .epoch_interruption(true)
        // The component's calls are synchronous (WASI 0.2).
        .concurrency_support(false)
        // A stack trace names functions, for which neither of these tables is needed.
        .generate_address_map(false)
        .native_unwind_info(false)
        .max_wasm_stack(STACK);
    config
}

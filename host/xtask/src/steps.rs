//! Every step, in the order in which `cargo xtask ci` runs them.

mod artifacts;
mod bare_toolchain;
mod mutants;
mod packages;
mod reproducible;
mod tests;

use std::path::Path;
use std::{fs, str};

use crate::packages::{BENCH, COMMAND, COMPILED_ONCE, COMPONENTS, COMPOSE, PROOF, TARGET};
use crate::program::{Program, Result, cargo, is_there};
use crate::report::Skips;
use crate::{install, words};

/// One check, or a few related ones.
pub struct Step {
    /// The step's name on the command line and in the workflow.
    pub name: &'static str,
    /// The step's line in the list.
    pub about: &'static str,
    /// Installs the tools that the check needs, and runs it.
    pub run: fn(&mut Skips) -> Result,
}

/// All steps. A test compares them with the jobs of `.github/workflows/ci.yml`.
pub const STEPS: &[Step] = &[
    Step { name: "format", about: "Check the formatting of all Rust sources", run: format },
    Step { name: "words", about: "Check all prose against docs/words.toml", run: words::check },
    Step { name: "release", about: "Build everything that is published", run: release },
    Step {
        name: "lints",
        about: "Run Clippy on the host's side, also with a compiler, and on each component",
        run: lints,
    },
    Step { name: "docs", about: "Build the documentation, with warnings as errors", run: docs },
    Step {
        name: "dependencies",
        about: "Check licences, sources, versions and known vulnerabilities",
        run: dependencies,
    },
    Step {
        name: "no-compiler",
        about: "Check that the shipped command contains no compiler",
        run: no_compiler,
    },
    Step {
        name: "oldest-rust",
        about: "Compile everything with the oldest supported Rust",
        run: oldest_rust,
    },
    Step { name: "composition", about: "Test the composition of the components", run: composition },
    Step { name: "jit", about: "Test the host with a compiler: components from files", run: jit },
    Step {
        name: "reproducible",
        about: "Check that the components are identical wherever they are built",
        run: reproducible::check,
    },
    Step {
        name: "fuel",
        about: "Check that the component uses no more fuel than before",
        run: fuel,
    },
    Step {
        name: "proof",
        about: "Try a million runs of the component's logic, and find every seeded fault",
        run: proof,
    },
    Step {
        name: "mutants",
        about: "Check that tests notice mutants of the lines that have changed",
        run: mutants::check,
    },
    Step { name: "fuzz", about: "Run the fuzz targets on their corpus", run: fuzz },
    Step { name: "readme", about: "Run the first command of the README", run: readme },
    Step {
        name: "packages",
        about: "Create every published package, and compile it without a network",
        run: packages::check,
    },
    Step {
        name: "artifacts",
        about: "Publish the components to a registry on loopback, and pull them again",
        run: artifacts::check,
    },
    Step {
        name: "bare-toolchain",
        about: "Run both commands of the README without the components' target",
        run: bare_toolchain::check,
    },
    Step {
        name: "tests",
        about: "Run the tests, with every real server that can be installed",
        run: tests::run,
    },
    Step {
        name: "image",
        about: "Build the image of the static binary, and run it",
        run: tests::image,
    },
];

fn format(_: &mut Skips) -> Result {
    cargo("fmt --all --check").run()
}

fn lints(_: &mut Skips) -> Result {
    install::components_target()?;
    // The tests of the command have no code that is compiled only without this feature. The examples have Cargo enable
    // the features of the development dependencies again.
    for selection in ["--all-targets --features janitor/jit", "--lib --bins --examples"] {
        cargo("clippy --workspace --locked").words(selection).words("-- -D warnings").run()?;
    }
    let component = || {
        let clippy = cargo("clippy --lib --profile component --locked --target").arg(TARGET);
        clippy.env("CARGO_TARGET_DIR", "target/component")
    };
    let all = COMPONENTS.iter().fold(component(), |all, it| all.arg("--package").arg(*it));
    all.words("-- -D warnings").run()?;
    component().words("--package janitor-wasi --features stream -- -D warnings").run()
}

/// Documents the examples too: Cargo then enables the features of the development dependencies, and
/// what `lints` has compiled is used again.
fn docs(_: &mut Skips) -> Result {
    cargo("doc --workspace --no-deps --locked --lib --examples --bin")
        .arg(COMMAND)
        .arg("--bin")
        .arg(BENCH)
        .words("--bin xtask")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

fn dependencies(skips: &mut Skips) -> Result {
    install::by_cargo("cargo-deny", "0.20.2")?;
    cargo("deny --locked check licenses sources bans").run()?;
    if Program::new("timeout").words("60 cargo deny --locked fetch db").succeeds() {
        cargo("deny --locked check advisories").run()?;
    } else {
        skips.skip(
            "known vulnerabilities (cargo deny check advisories): the advisory database cannot be \
             fetched here",
        );
    }
    Ok(())
}

fn no_compiler(_: &mut Skips) -> Result {
    let tree = cargo("tree --locked --package")
        .arg(COMMAND)
        .words("--edges normal --prefix none")
        .stdout()?;
    match tree.lines().find(|line| line.contains("cranelift-codegen")) {
        Some(compiler) => {
            Err(format!("the janitor binary would contain a compiler: {compiler}").into())
        }
        None => Ok(()),
    }
}

/// Compiles everything with the oldest supported Rust, unless the repository's toolchain is that
/// one already.
fn oldest_rust(skips: &mut Skips) -> Result {
    let manifest = fs::read_to_string("Cargo.toml")?;
    let manifest = toml_span::parse(&manifest)?;
    let oldest = manifest.pointer("/workspace/package/rust-version").and_then(|it| it.as_str());
    let oldest = oldest.ok_or("Cargo.toml has no rust-version in [workspace.package]")?;
    let here = Program::new("rustc").arg("--version").stdout()?;
    if is_of_release(&here, oldest) {
        say!("Every step already uses the oldest Rust: {}", here.trim());
        return Ok(());
    }
    let toolchain = Program::new("rustup").words("toolchain install --profile minimal --target");
    if !toolchain.arg(TARGET).arg(oldest).succeeds() {
        skips.skip(format!("the oldest supported Rust: rustup cannot install {oldest} here"));
        return Ok(());
    }
    cargo(&format!("+{oldest} check --workspace --all-targets --locked"))
        .env("CARGO_TARGET_DIR", "target/oldest-rust")
        .run()
}

/// Returns whether `rustc --version` names a release: 1.95.0 belongs to 1.95, 1.950.0 does not.
fn is_of_release(version: &str, release: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    number.strip_prefix(release).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn composition(_: &mut Skips) -> Result {
    install::components_target()?;
    cargo("test --package").arg(COMPOSE).arg("--locked").run()
}

/// Tests both packages that contain a compiler in one set of features, so that the steps `jit`, `fuel`
/// and `tests` use the same dependencies.
fn test_with_compiler() -> Result<Program> {
    install::components_target()?;
    let mut test = cargo("test --locked --features janitor/jit");
    for package in [COMMAND, BENCH, COMPILED_ONCE] {
        test = test.arg("--package").arg(package);
    }
    Ok(test)
}

fn jit(_: &mut Skips) -> Result {
    test_with_compiler()?.words("--test suite -- component::").run()
}

fn fuel(_: &mut Skips) -> Result {
    test_with_compiler()?.arg("--bin").arg(BENCH).words("-- --nocapture").run()
}

fn proof(_: &mut Skips) -> Result {
    cargo("run --locked --profile proof --package").arg(PROOF).run()
}

fn fuzz(skips: &mut Skips) -> Result {
    if !cargo("+nightly --version").succeeds() || !is_there("cargo-fuzz") {
        skips.skip(
            "the fuzz targets: they need a nightly toolchain, and cargo install cargo-fuzz --locked",
        );
        return Ok(());
    }
    let fuzz = |words: &str| cargo("+nightly fuzz").words(words).within("fuzz");
    fuzz("build --fuzz-dir . --dev --sanitizer none").run()?;
    let mut targets = Vec::new();
    for target in fs::read_dir("fuzz/corpus")? {
        targets.push(target?.file_name());
    }
    targets.sort();
    for target in targets {
        fuzz("run --fuzz-dir . --dev --sanitizer none").arg(target).words("-- -runs=0").run()?;
    }
    Ok(())
}

/// The first command of the README.
const FIRST_COMMAND: &str = "run --locked -- replay tests/recordings/cassandra-0.28.1.har";

/// The file that contains the first command's expected output.
const ITS_OUTPUT: &str = "tests/recordings/cassandra-0.28.1.stdout";

fn readme(_: &mut Skips) -> Result {
    install::components_target()?;
    let output = cargo(FIRST_COMMAND).stdout()?;
    say!("{}", output.trim_end());
    is_the_file(output.as_bytes(), Path::new(ITS_OUTPUT))
}

/// Checks that the output equals the contents of a file.
fn is_the_file(output: &[u8], file: &Path) -> Result {
    match fs::read(file)? == output {
        true => Ok(()),
        false => Err(format!("the output differs from {}", file.display()).into()),
    }
}

/// The largest accepted size of the static binary, 8 MiB. The image and the archive consist of
/// little else, so the binary must not grow unnoticed.
const LARGEST_BINARY: u64 = 8_388_608;

fn release(_: &mut Skips) -> Result {
    install::components_target()?;
    install::program_by_apt("musl-gcc", "musl-tools")?;
    Program::new(".ci/release").arg("--draft").run()?;
    let binary = static_binary()?;
    let size = fs::metadata(&binary).map_err(|why| format!("{binary}: {why}"))?.len();
    say!("{binary} has {size} bytes, and may have {LARGEST_BINARY}");
    is_small_enough(size)
}

fn is_small_enough(size: u64) -> Result {
    match size <= LARGEST_BINARY {
        true => Ok(()),
        false => Err(format!(
            "the static binary has {size} bytes, more than {LARGEST_BINARY}: see `What is in the \
             binary` in docs/performance.md"
        )
        .into()),
    }
}

/// Returns the path of the static binary that `.ci/release` builds.
fn static_binary() -> Result<String> {
    let machine = Program::new("uname").arg("-m").stdout()?;
    Ok(format!("target/{}-unknown-linux-musl/release/janitor", machine.trim()))
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_static_binary_has_a_bound() {
        assert!(is_small_enough(LARGEST_BINARY).is_ok());
        let why = is_small_enough(LARGEST_BINARY + 1).map_err(|why| why.to_string());
        assert!(why.is_err_and(|why| why.contains("has 8388609 bytes, more than 8388608")));
    }

    #[test]
    fn a_compiler_is_of_its_own_release_only() {
        for (version, release, is) in [
            ("rustc 1.95.0 (f2d3ce0bd 2026-03-21)", "1.95", true),
            ("rustc 1.95.0 (f2d3ce0bd 2026-03-21)", "1.95.0", true),
            ("rustc 1.95.1", "1.95.0", false),
            ("rustc 1.950.0", "1.95", false),
            ("rustc 1.96.0", "1.95", false),
            ("", "1.95", false),
        ] {
            assert_eq!(is_of_release(version, release), is, "{version} of {release}");
        }
    }
}

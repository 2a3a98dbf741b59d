//! Tests the mutants of the lines that a change touches (docs/proof.md).

use std::path::Path;
use std::{env, fs};

use crate::install;
use crate::program::{Program, Result, cargo};
use crate::report::Skips;

/// The sources that `.cargo/mutants.toml` examines are in these folders.
const FOLDERS: &str = "guest/cleanup/src host/policy/src host/transport/src";

/// The most mutants that are tested, which takes two to four minutes.
const MOST: usize = 4;

/// The exit code of cargo-mutants if the tests of a mutant did not end, so that they have noticed
/// it. Others may be missed.
const TIMED_OUT: i32 = 3;

/// The mutants that cargo-mutants has found no test for.
const MISSED: &str = "target/mutants.out/missed.txt";

pub fn check(skips: &mut Skips) -> Result {
    let Some(base) = base()? else {
        skips.skip("all mutants: there is no earlier commit to compare with");
        return Ok(());
    };
    let diff = Program::new("git").words("diff --no-color --no-ext-diff --src-prefix=a/");
    let diff = diff.words("--dst-prefix=b/").arg(&base).arg("--").words(FOLDERS).stdout()?;
    let found = if diff.is_empty() { 0 } else { mutants(&diff)? };
    if found == 0 {
        skips.skip(format!("all mutants: no examined line has changed since {base}"));
        return Ok(());
    }
    let shards = found.div_ceil(MOST);
    if shards > 1 {
        skips.skip(format!(
            "most mutants: one in {shards} of the {found} of the lines that have changed since \
             {base} is tested; for all of them: cargo mutants --in-diff {DIFF}"
        ));
    }
    // The step `tests` runs the tests without a mutant.
    let test = in_diff("--baseline skip --timeout 120 --sharding round-robin --shard");
    let test = test.arg(format!("0/{shards}"));
    match test.words("--output target").status()?.code() {
        Some(0) => Ok(()),
        Some(TIMED_OUT) if fs::read(MISSED)?.is_empty() => Ok(()),
        _ => Err("the tests do not notice all mutants: see docs/proof.md".into()),
    }
}

/// The file with the changes.
const DIFF: &str = "target/mutants.diff";

/// Counts the mutants of the changed lines.
fn mutants(diff: &str) -> Result<usize> {
    install::by_cargo("cargo-mutants", "27.1.0")?;
    fs::create_dir_all("target")?;
    fs::write(DIFF, diff)?;
    Ok(in_diff("--list").stdout()?.lines().count())
}

/// Makes a command about the mutants of the changed lines. They are compiled in a copy of the
/// sources, one after the other, and in a folder that no other step waits for.
fn in_diff(words: &str) -> Program {
    let target = env::current_dir().unwrap_or_default().join("target/mutants");
    let mutants = cargo("mutants --in-diff").arg(Path::new(DIFF)).words(words);
    mutants.env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "1")
}

/// Returns the commit on which the change is based: the last one that it shares with the main branch
/// at its origin, or the one before, if there is any.
fn base() -> Result<Option<String>> {
    let head = commit("rev-parse HEAD")?;
    let shared = commit("merge-base origin/main HEAD")?.filter(|it| head.as_ref() != Some(it));
    match shared {
        None => commit("rev-parse --verify HEAD^"),
        shared => Ok(shared),
    }
}

/// Returns the commit that a command of git prints, unless it fails.
fn commit(words: &str) -> Result<Option<String>> {
    let output = Program::new("git").words(words).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success().then(|| text.trim().to_owned()))
}

//! Tests of the compiler's wrapper: it finds out before anything is compiled whether the target of
//! the components is missing, and adds it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::command::{Run, program, run, tests};

/// Writes a program that executes a script.
fn script(file: &Path, script: &str) {
    fs::write(file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Asks for the version of a compiler without the target, as Cargo does first, on a machine
/// with this rustup, if it has one.
fn asked(rustup: Option<&str>) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let (libraries, rustc) = (folder.path().join("lib"), folder.path().join("rustc"));
    let sysroot = run(program("rustc").args(["--print", "sysroot"])).stdout;
    script(
        &rustc,
        &format!(
            "case \"$*\" in *target-libdir*) echo '{}' ;; -vV) echo asked ;; \
             *) exec '{}/bin/rustc' \"$@\" ;; esac",
            libraries.display(),
            sysroot.trim()
        ),
    );
    if let Some(rustup) = rustup {
        let rustup = rustup.replace("LIBRARIES", &libraries.display().to_string());
        script(&folder.path().join("rustup"), &rustup);
    }
    // The wrapper writes to the standard error of its parent, which is Cargo, or here a shell.
    let mut shell = program("sh");
    shell.args(["-c", "\"$0\" \"$1\" -vV; exit $?"]);
    shell.arg(tests("../host/component/build/rustc")).arg(&rustc);
    shell.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    run(&mut shell)
}

#[test]
fn a_missing_target_is_added() {
    let rustup = "[ \"$*\" = 'target add wasm32-unknown-unknown' ] && mkdir LIBRARIES && \
                  touch LIBRARIES/libstd.rlib";
    let run = asked(Some(rustup));
    assert_eq!((run.exit, run.stdout.as_str()), (0, "asked\n"), "{}", run.stderr);
    let words = "warning: the Rust target wasm32-unknown-unknown was missing, and was added";
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

#[test]
fn a_target_that_cannot_be_added_is_an_error_with_the_command() {
    for (rustup, words, end) in [
        (None, "rustup cannot be run (No such file or directory", "rustup target add"),
        (Some("echo 'error: no network' >&2; exit 1"), "no network", "rustup target add"),
        (Some("exit 0"), "another toolchain", "install it there"),
    ] {
        let run = asked(rustup);
        assert_ne!(run.exit, 0, "{run:?}");
        assert!(run.stderr.contains(words) && run.stderr.contains(end), "{}", run.stderr);
    }
}

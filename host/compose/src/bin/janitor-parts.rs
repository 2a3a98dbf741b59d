//! Builds the parts of another copy of this workspace, as the build script of this package does:
//! `janitor-parts ROOT DIR`. Cargo sets the variable `CARGO` for a program that it runs; without Cargo,
//! it must be set.

#[path = "../../../component/build/component.rs"]
mod component;
#[path = "../../../component/build/joined.rs"]
mod joined;
#[path = "../../build/parts.rs"]
mod parts;
#[path = "../../../component/build/target.rs"]
mod target;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let [root, folder] = args.as_slice() else {
        return Err("usage: janitor-parts ROOT DIR".into());
    };
    fs::create_dir_all(folder)?;
    parts::build(Path::new(root), folder.as_ref())
}

//! A separate file system, as Mesos requires one for a MOUNT disk.

use std::path::Path;

use tempfile::TempDir;

use crate::command::program;

/// A file system in memory, which is unmounted when it is dropped.
pub struct Mount {
    folder: TempDir,
}

impl Mount {
    /// Mounts a file system on a folder of its own.
    ///
    /// # Errors
    /// Fails, with the reason, if nothing can be mounted.
    pub fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a folder to mount it on");
        let mut mount = program("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(folder.path());
        let output = mount.output().map_err(|error| format!("mount: {error}"))?;
        if output.status.success() {
            Ok(Self { folder })
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "))
        }
    }

    /// Returns the path of the file system.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A lazy unmount succeeds even if a process still uses the folder.
        let unmounted = program("umount").arg("-l").arg(self.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            println!("{} stays mounted", self.path().display());
        }
    }
}

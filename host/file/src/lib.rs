//! Writes files atomically: recordings and plans. An existing file is replaced only if it is a
//! regular file, and the new one gets its permissions, its access control list and its owner. A
//! symbolic link remains, and its target is replaced. A new file is readable only by its owner. The
//! file gets its name when everything is written, so a program that ends earlier leaves nothing
//! behind.
//!
//! The crate also reads files that may have no end, opens files for lines that another program reads
//! meanwhile, and determines whether two paths name the same
//! file.

#![deny(missing_debug_implementations)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Reads a whole file of at most `most` bytes. The path may name a device or a pipe, which may have
/// no end.
///
/// # Errors
/// Fails if the file cannot be read, is larger, or is a named pipe that no program writes to.
pub fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, is_pipe) = open(file)?;
    let length = file.metadata()?.len();
    let mut content = Vec::new();
    if length <= most {
        content.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
        if file.take(most.saturating_add(1)).read_to_end(&mut content)? as u64 <= most {
            return match is_pipe && content.is_empty() {
                true => Err(io::Error::other("it is a pipe, and no program writes to it")),
                false => Ok(content),
            };
        }
    }
    let why = format!("it is larger than {most} bytes, the limit for such a file");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, why))
}

/// Opens a file for reading, and returns whether it is a pipe. A pipe of another program
/// (`/dev/stdin`, or `<(...)` in a shell) already has a writer. Opening a named pipe would wait for
/// a writer, which may never come.
#[cfg(target_os = "linux")]
fn open(file: &Path) -> io::Result<(File, bool)> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(without_waiting).open(file)?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    let is_pipe = file.metadata()?.file_type().is_fifo();
    Ok((file, is_pipe))
}

#[cfg(not(target_os = "linux"))]
fn open(file: &Path) -> io::Result<(File, bool)> {
    Ok((File::open(file)?, false))
}

/// Creates a file, or empties it, to write lines that another program may read meanwhile. Unlike the
/// files of [`write()`], it may be a device or a pipe. A new file is readable only by its owner.
///
/// # Errors
/// Fails if the file cannot be written, or is a named pipe that no program reads from: opening it
/// would wait for a reader, which may never come.
#[cfg(target_os = "linux")]
pub fn stream(file: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file = options.custom_flags(without_waiting).open(file).map_err(|why| {
        match why.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) {
            true => io::Error::other("it is a pipe, and no program reads from it"),
            false => why,
        }
    })?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Creates a file, or empties it, to write lines that another program may read meanwhile.
///
/// # Errors
/// Fails if the file cannot be written.
#[cfg(not(target_os = "linux"))]
pub fn stream(file: &Path) -> io::Result<File> {
    File::create(file)
}

/// The identity of a file, which is the same for all of its names.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The file or, if it does not exist yet, its folder.
    there: There,
    /// The name in the folder, if the file does not exist yet.
    name: Option<OsString>,
}

/// The numbers that distinguish an existing file from all others.
#[cfg(unix)]
type There = (u64, u64);
#[cfg(not(unix))]
type There = PathBuf;

impl Identity {
    /// Returns the identity of the file that is, or could be created, at a path. Returns nothing if
    /// no file can be there.
    pub fn of(file: &Path) -> Option<Self> {
        match there(file) {
            Ok(there) => Some(Self { there, name: None }),
            Err(_) => {
                let there = there(folder(file)).ok()?;
                Some(Self { there, name: Some(file.file_name()?.to_owned()) })
            }
        }
    }

    /// Returns the identity of an open file, such as standard output, if the system reports it.
    #[cfg(unix)]
    pub fn of_open(file: impl std::os::fd::AsFd) -> Option<Self> {
        let file = File::from(file.as_fd().try_clone_to_owned().ok()?);
        Some(Self { there: device_and_inode(&file.metadata().ok()?), name: None })
    }

    /// Returns the identity of an open file, such as standard output, if the system reports it.
    #[cfg(not(unix))]
    pub fn of_open<F>(_: F) -> Option<Self> {
        None
    }
}

#[cfg(unix)]
fn there(file: &Path) -> io::Result<There> {
    fs::metadata(file).map(|it| device_and_inode(&it))
}

#[cfg(unix)]
fn device_and_inode(file: &Metadata) -> There {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

#[cfg(not(unix))]
fn there(file: &Path) -> io::Result<There> {
    fs::canonicalize(file)
}

/// Checks before a run whether a file could be written to this path. Returns a file without a name
/// in the same folder, which holds the content until then.
///
/// # Errors
/// Fails if the file could not be written.
pub fn beside(file: &Path) -> io::Result<File> {
    Place::find(file)?.unnamed()
}

/// Writes a file completely or, if that fails, not at all; an existing file then stays unchanged.
///
/// # Errors
/// Fails if the file cannot be written, or if the existing file must not be replaced.
pub fn write(
    file: &Path,
    content: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let place = Place::find(file)?;
    let unnamed = place.unnamed()?;
    let mut writer = BufWriter::new(&unnamed);
    content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    unnamed.sync_all()?;
    let named = tempfile::Builder::new().prefix(".janitor-").make_in(&place.folder, |path| {
        name(&unnamed, path).or_else(|why| match why.kind() {
            io::ErrorKind::AlreadyExists => Err(why),
            _ => place.copied(&unnamed, path),
        })
    })?;
    match place.old {
        Some(_) => named.persist(&place.path)?,
        None => named.persist_noclobber(&place.path)?,
    }
    Ok(())
}

fn folder(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The place of a file.
struct Place {
    /// The path of the file. For a symbolic link, this is its target.
    path: PathBuf,
    folder: PathBuf,
    /// The metadata of the existing file.
    old: Option<Metadata>,
}

impl Place {
    fn find(file: &Path) -> io::Result<Self> {
        let path = match fs::symlink_metadata(file) {
            Ok(it) if it.is_symlink() => {
                let dangling = |why: io::Error| {
                    io::Error::new(why.kind(), format!("it is a dangling symbolic link: {why}"))
                };
                // An open file such as /dev/stdout may exist and have no path.
                if !fs::metadata(file).map_err(dangling)?.is_file() {
                    return Err(not_replaced());
                }
                fs::canonicalize(file).map_err(dangling)?
            }
            Ok(_) => file.to_owned(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let is_folder = file.as_os_str().as_encoded_bytes().ends_with(b"/");
                if file.file_name().is_none() || is_folder {
                    return Err(io::Error::other("it is not the name of a file"));
                }
                let (path, folder) = (file.to_owned(), folder(file).to_owned());
                return Ok(Self { path, folder, old: None });
            }
            Err(why) => return Err(why),
        };
        if !fs::metadata(&path)?.is_file() {
            return Err(not_replaced());
        }
        // A file that is not writable must not be replaced either.
        let old = OpenOptions::new().write(true).open(&path)?.metadata()?;
        let folder = folder(&path).to_owned();
        Ok(Self { path, folder, old: Some(old) })
    }

    /// Creates a file without a name that will become the file at this place.
    fn unnamed(&self) -> io::Result<File> {
        let file = tempfile::tempfile_in(&self.folder)?;
        self.adjust(&file)?;
        Ok(file)
    }

    /// Gives a file the owner and the permissions of the existing one, or those of a new one.
    fn adjust(&self, file: &File) -> io::Result<()> {
        let Some(old) = &self.old else { return private(file) };
        // The access control list must come first, because it changes the meaning of the
        // permissions.
        #[cfg(target_os = "linux")]
        keep_access_list(&self.path, file).map_err(|why| {
            let words = format!("its access control list could not be kept: {why}");
            io::Error::new(why.kind(), words)
        })?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            let new = file.metadata()?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                fchown(file, Some(old.uid()), Some(old.gid())).map_err(|why| {
                    io::Error::new(why.kind(), format!("its owner could not be kept: {why}"))
                })?;
            }
        }
        file.set_permissions(old.permissions())
    }

    /// Copies the content into a file with a name, for systems on which an unnamed file cannot get
    /// one.
    fn copied(&self, unnamed: &File, path: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut named = options.open(path)?;
        let copied = (&*unnamed).rewind().and_then(|()| {
            io::copy(&mut &*unnamed, &mut named)?;
            self.adjust(&named)?;
            named.sync_all()
        });
        if copied.is_err() {
            // The first error is the one that is returned.
            let _ = fs::remove_file(path);
        }
        copied
    }
}

fn not_replaced() -> io::Error {
    io::Error::other("it is not a regular file, and is not replaced")
}

/// Gives a new file the access control list (POSIX ACL) of an old one. If there is one, the
/// permissions of the group limit everyone whom it names. If there is none, the new file gets none
/// either, even if its folder has a default one.
#[cfg(target_os = "linux")]
fn keep_access_list(old: &Path, new: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr, getxattr};
    use rustix::io::Errno;

    const LIST: &str = "system.posix_acl_access";
    /// The size limit of extended attributes on Linux, in bytes.
    const MOST: usize = 64 << 10;
    let mut list = vec![0; MOST];
    let kept = match getxattr(old, LIST, list.as_mut_slice()) {
        Ok(length) => {
            fsetxattr(new, LIST, list.get(..length).unwrap_or_default(), XattrFlags::empty())
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => match fremovexattr(new, LIST) {
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
            removed => removed,
        },
        Err(why) => Err(why),
    };
    Ok(kept?)
}

/// Makes a file accessible only to its owner.
fn private(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(())
    }
}

/// Gives an unnamed file a name that does not exist yet.
#[cfg(target_os = "linux")]
fn name(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, itself, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn fill(file: &Path, text: &str) -> io::Result<()> {
        write(file, |writer| writer.write_all(text.as_bytes()))
    }

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().mode() & 0o7777
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_is_accessible_only_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new");
        drop(beside(&file).unwrap());
        assert_eq!(names(folder.path()), [""; 0], "a look leaves nothing");
        fill(&file, "new").unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o600));
        assert_eq!(names(folder.path()), ["new"]);
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old and long").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        for place in [&file, &link] {
            let before = fs::metadata(&file).unwrap();
            fill(place, "new").unwrap();
            let after = fs::metadata(&file).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), "new");
            assert_eq!(
                (mode(&file), after.uid(), after.gid()),
                (0o640, before.uid(), before.gid())
            );
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["file", "link"]);
    }

    #[test]
    fn only_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink("folder", at("to-a-folder")).unwrap();
        symlink("/dev/null", at("to-a-device")).unwrap();
        symlink("itself", at("itself")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap();
        assert!(made.success());
        let before = names(folder.path());
        for name in ["folder", "dangling", "to-a-folder", "to-a-device", "itself", "socket", "fifo"]
        {
            let kind = fs::symlink_metadata(at(name)).unwrap().file_type();
            assert!(beside(&at(name)).is_err(), "{name}");
            assert!(fill(&at(name), "new").is_err(), "{name}");
            assert_eq!(fs::symlink_metadata(at(name)).unwrap().file_type(), kind, "{name}");
        }
        let (_reader, writer) = io::pipe().unwrap();
        let open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        if Path::new(&open).exists() {
            let why = beside(Path::new(&open)).unwrap_err().to_string();
            assert!(why.contains("not a regular file"), "{why}");
        }
        for place in ["/dev/null", "/dev/full", "/nowhere/file", "", "/"] {
            assert!(beside(Path::new(place)).is_err(), "{place}");
        }
        assert!(beside(&at("new/")).is_err());
        assert_eq!(names(folder.path()), before);
    }

    /// User 1001 may read the file, and the group may not. The mode is 0640.
    const ACCESS_LIST: [u8; 44] = [
        2, 0, 0, 0, // the version
        0x01, 0, 6, 0, 255, 255, 255, 255, // user::rw-
        0x02, 0, 4, 0, 0xe9, 3, 0, 0, // user:1001:r--
        0x04, 0, 0, 0, 255, 255, 255, 255, // group::---
        0x10, 0, 4, 0, 255, 255, 255, 255, // mask::r--
        0x20, 0, 0, 0, 255, 255, 255, 255, // other::---
    ];

    #[test]
    #[cfg(target_os = "linux")]
    fn a_replaced_file_keeps_its_access_list_and_gets_no_other_one() {
        use rustix::fs::{XattrFlags, getxattr, setxattr};
        let folder = tempfile::tempdir().unwrap();
        let (listed, plain) = (folder.path().join("listed"), folder.path().join("plain"));
        for file in [&listed, &plain] {
            fs::write(file, "old").unwrap();
            fs::set_permissions(file, Permissions::from_mode(0o640)).unwrap();
        }
        let give =
            |file: &Path, name, list: [u8; 44]| setxattr(file, name, &list, XattrFlags::empty());
        if let Err(why) = give(&listed, "system.posix_acl_access", ACCESS_LIST) {
            eprintln!("SKIPPED: no access control lists in {}: {why}", folder.path().display());
            return;
        }
        // Every new file in this folder gets a list of its own, with another user.
        let mut others = ACCESS_LIST;
        others[16] += 1;
        give(folder.path(), "system.posix_acl_default", others).unwrap();
        let list = |file: &Path| {
            let mut list = [0; 100];
            let length = getxattr(file, "system.posix_acl_access", &mut list[..]).ok()?;
            Some(list[..length].to_vec())
        };
        for file in [&listed, &plain] {
            fill(file, "new").unwrap();
            assert_eq!((fs::read_to_string(file).unwrap().as_str(), mode(file)), ("new", 0o640));
        }
        assert_eq!(list(&listed).as_deref(), Some(&ACCESS_LIST[..]));
        assert_eq!(list(&plain), None);
    }

    #[test]
    fn a_file_is_read_only_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        for (file, most) in [(file.as_path(), 4), (Path::new("/dev/zero"), 1 << 20)] {
            assert_eq!(read(file, most).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        }
        assert_eq!(
            read(&folder.path().join("none"), 4).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_is_read_if_a_program_writes_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&named).status().unwrap().success());
        assert!(read(&named, 5).unwrap_err().to_string().contains("no program writes to it"));
        let (reader, mut writer) = io::pipe().unwrap();
        let open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        let late = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            writer.write_all(b"12345").unwrap();
        });
        assert_eq!(read(Path::new(&open), 5).unwrap(), b"12345");
        late.join().unwrap();
    }

    #[test]
    fn a_file_is_the_same_under_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("in")).unwrap();
        fs::write(at("file"), "").unwrap();
        symlink("file", at("link")).unwrap();
        fs::hard_link(at("file"), at("hard")).unwrap();
        symlink("in", at("into")).unwrap();
        let of = |name: &str| Identity::of(&at(name)).unwrap();
        for name in ["link", "hard", "in/../file", "./file"] {
            assert_eq!(of(name), of("file"), "{name}");
        }
        assert_eq!(of("in/new"), of("into/new"));
        let open = Identity::of_open(File::open(at("file")).unwrap());
        assert_eq!(open, Some(of("file")));
        for name in ["new", "in", "in/file"] {
            assert_ne!(of(name), of("file"), "{name}");
        }
        assert_ne!(of("new"), of("in/new"));
        assert_eq!(Identity::of(&at("nowhere/file")), None);
    }

    #[test]
    fn a_failed_write_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let fails = |writer: &mut BufWriter<&File>| {
            writer.write_all(b"half")?;
            writer.flush()?;
            Err(io::Error::other("enough"))
        };
        assert!(write(&file, fails).is_err());
        assert_eq!(names(folder.path()), [""; 0]);
        fs::write(&file, "old").unwrap();
        assert!(write(&file, fails).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        // Another process creates the file in the meantime.
        let other = folder.path().join("other");
        let appears = |_: &mut BufWriter<&File>| fs::write(&other, "theirs");
        assert!(write(&other, appears).is_err());
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(names(folder.path()), ["file", "other"]);
    }

    #[test]
    fn a_file_that_cannot_get_a_name_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::find(&folder.path().join("file")).unwrap();
        let unnamed = place.unnamed().unwrap();
        (&unnamed).write_all(b"text").unwrap();
        place.copied(&unnamed, &place.path).unwrap();
        assert_eq!(fs::read_to_string(&place.path).unwrap(), "text");
        assert_eq!(mode(&place.path), 0o600);
        assert!(place.copied(&unnamed, &place.path).is_err(), "it is there already");
        assert_eq!(fs::read_to_string(&place.path).unwrap(), "text");
    }
}

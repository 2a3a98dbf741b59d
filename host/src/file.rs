//! Files that take their place whole: recordings and plans. What is there already is
//! replaced only if it is a regular file, and then with its permissions and its owner; a
//! symbolic link stays, and the file it leads to is replaced. A new file can be read by its
//! owner alone. Until everything is written the file has no name, so whatever ends the
//! program before leaves nothing behind.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

/// Finds out whether a file could take this place, which is better known before a run than
/// after it; and gives one without a name, where it would be, to keep things in until then.
///
/// # Errors
/// Why none could.
pub fn beside(file: &Path) -> io::Result<File> {
    Place::find(file)?.unnamed()
}

/// Writes a file: all of it or, when that fails, nothing; what was there before then
/// stays.
///
/// # Errors
/// When it cannot be written, or must not take this place.
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

/// Where a file is to be.
struct Place {
    /// Its path; where a symbolic link was given, that of the file it leads to.
    path: PathBuf,
    folder: PathBuf,
    /// What is there now.
    old: Option<Metadata>,
}

impl Place {
    fn find(file: &Path) -> io::Result<Self> {
        let path = match fs::symlink_metadata(file) {
            Ok(it) if it.is_symlink() => fs::canonicalize(file).map_err(|why| {
                io::Error::new(
                    why.kind(),
                    format!("it is a symbolic link that leads nowhere: {why}"),
                )
            })?,
            Ok(_) => file.to_owned(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let is_folder = file.as_os_str().as_encoded_bytes().ends_with(b"/");
                if file.file_name().is_none() || is_folder {
                    return Err(io::Error::other("that is no file's name"));
                }
                let (path, folder) = (file.to_owned(), folder(file).to_owned());
                return Ok(Self { path, folder, old: None });
            }
            Err(why) => return Err(why),
        };
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("it is no regular file, and is not replaced"));
        }
        // One that may not be written may not be replaced either.
        let old = OpenOptions::new().write(true).open(&path)?.metadata()?;
        let folder = folder(&path).to_owned();
        Ok(Self { path, folder, old: Some(old) })
    }

    /// The file that will be there, without a name.
    fn unnamed(&self) -> io::Result<File> {
        let file = tempfile::tempfile_in(&self.folder)?;
        self.adjust(&file)?;
        Ok(file)
    }

    /// Gives a file the owner and the permissions that it is to have.
    fn adjust(&self, file: &File) -> io::Result<()> {
        let Some(old) = &self.old else { return private(file) };
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

    /// A copy with a name, where a file cannot be given one afterwards.
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
            // The error that is told is the first one.
            let _ = fs::remove_file(path);
        }
        copied
    }
}

/// Lets nobody but its owner read a file.
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

/// Gives a file a name that nothing has yet.
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
    fn a_new_file_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new");
        drop(beside(&file).unwrap());
        assert_eq!(names(folder.path()), [""; 0], "a look leaves nothing");
        fill(&file, "new").unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o600));
        assert_eq!(names(folder.path()), ["new"]);
    }

    #[test]
    fn what_is_replaced_keeps_its_permissions_and_its_link() {
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
    fn what_is_no_regular_file_stays() {
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
        for place in ["/dev/null", "/dev/full", "/nowhere/file", "", "/"] {
            assert!(beside(Path::new(place)).is_err(), "{place}");
        }
        assert!(beside(&at("new/")).is_err());
        assert_eq!(names(folder.path()), before);
    }

    #[test]
    fn what_fails_leaves_all_as_it_was() {
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
        // Somebody else's, which has appeared in the meantime.
        let other = folder.path().join("other");
        let appears = |_: &mut BufWriter<&File>| fs::write(&other, "theirs");
        assert!(write(&other, appears).is_err());
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(names(folder.path()), ["file", "other"]);
    }

    #[test]
    fn where_a_file_cannot_get_a_name_it_is_copied() {
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

//! The image: built from the `Dockerfile`, and started in both ways in which its predecessor
//! was started.
//!
//! The test reaches no registry, so it replaces the first stages of the `Dockerfile` by two
//! things: a base of Debian's static busybox, and a static binary that was built before, by the
//! command in the `Dockerfile`. `JANITOR_TEST_IMAGE` names it.

use std::env;
use std::fs::{copy, create_dir_all, metadata, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::Command;

use janitor_tests::Cluster;
use tempfile::TempDir;

use crate::command::{Run, program, run, tests};
use crate::needs::{installed, needed};

/// The limit on the size of the image, in bytes.
const MOST: u64 = 16 << 20;

const BUSYBOX: &str = "/bin/busybox";
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Returns the static binary for the image, if everything else that the build needs is installed.
fn binary() -> Result<PathBuf, String> {
    let binary =
        env::var_os("JANITOR_TEST_IMAGE").ok_or("JANITOR_TEST_IMAGE names no static binary")?;
    installed("buildah")?;
    match [BUSYBOX, CERTIFICATES].iter().find(|file| !Path::new(file).exists()) {
        Some(file) => Err(format!("{file} is not there")),
        None => Ok(binary.into()),
    }
}

#[test]
fn both_ways_to_start_it() {
    let Some(binary) = needed(binary()) else { return };
    let image = Image::build(&binary);
    let user = image.run(&[], &["id", "-u"]).stdout;
    assert_eq!(user, "65534\n", "nobody");
    let size = image.size();
    println!("the image: {:.1} MiB, user {}", size as f64 / f64::from(1 << 20), user.trim());
    assert!(size <= MOST, "{size} bytes");

    // The predecessor's documented command: `docker run mesosphere/janitor /janitor.py -r
    // sample-role ...`
    let cluster = cluster();
    let words = "/janitor.py -r sample-role -p sample-principal -z sample-zk";
    let words: Vec<_> = words.split(' ').collect();
    let run = image.run(&[&proxy(&cluster)], &words);
    let (ours, marathons) = expected("sample-zk");
    let stderr = sample("stderr");
    assert_eq!((run.stdout, run.stderr, run.exit), (ours, stderr.clone(), 0));

    // The predecessor's documented app: `{"id": "janitor", "cmd": "/janitor.py -r sample-role
    // ..."}`
    let cluster = self::cluster();
    let line = "/janitor.py -r sample-role -p sample-principal -z sample";
    let environment = [&*proxy(&cluster), "MARATHON_APP_ID=/janitor"];
    let run = image.run(&environment, &["/bin/sh", "-c", line]);
    assert_eq!((run.stdout, run.stderr, run.exit), (expected("sample").0 + &marathons, stderr, 0));
    let apps = cluster.state().marathon.map(|it| it.apps);
    assert_eq!(apps, Some(vec!["/other".into()]), "its own app is gone");
}

/// Starts the cluster of the sample result, for the names in the document's commands.
fn cluster() -> Cluster {
    Cluster::start(serde_json::from_str(&sample("cluster.json")).unwrap())
}

/// Reads a file of the sample result's scenario, with the names in the document's commands.
fn sample(file: &str) -> String {
    let text = read_to_string(tests("scenarios/the-sample-result").join(file)).unwrap();
    text.replace("cassandra_role", "sample-role").replace("cassandra_principal", "sample-principal")
}

/// Has the names `leader.mesos` and `marathon.mesos` resolve to the cluster.
fn proxy(cluster: &Cluster) -> String {
    format!("http_proxy={}", cluster.proxy_url())
}

/// Returns the sample result: the output of a cleanup, and then the removal of its app.
fn expected(znode: &str) -> (String, String) {
    let stdout = sample("stdout")
        .replace("ZK Path: cassandra", &format!("ZK Path: {znode}"))
        .replace("znode 'cassandra'", &format!("znode '{znode}'"));
    let app = stdout.find("Deleting self").unwrap();
    (stdout[..app].to_owned(), stdout[app..].to_owned())
}

/// An image and a container of it, in a storage of their own.
struct Image {
    folder: TempDir,
    container: String,
}

impl Image {
    fn build(binary: &Path) -> Self {
        let mut image = Self { folder: TempDir::new().unwrap(), container: String::new() };
        let base = image.file("base/busybox");
        copy(BUSYBOX, &base).unwrap();
        let dockerfile = "FROM scratch\nCOPY busybox /bin/busybox\n\
                          RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n";
        write(image.file("base/Dockerfile"), dockerfile).unwrap();
        image.buildah(&["build", "--tag", "localhost/base", &image.folder("base")]);

        copy(binary, image.file("build/src/target/release/janitor")).unwrap();
        copy(CERTIFICATES, image.file(&format!("build{CERTIFICATES}"))).unwrap();
        image.buildah(&[
            "build",
            "--build-arg=BASE=localhost/base",
            &format!("--build-context=build={}", image.folder("build")),
            "--tag=mesosphere/janitor",
            &tests("..").display().to_string(),
        ]);
        image.container = image.buildah(&["from", "mesosphere/janitor"]).trim().to_owned();
        image
    }

    /// Runs a command in a container, as the image's user.
    fn run(&self, environment: &[&str], command: &[&str]) -> Run {
        let mut line = self.command();
        line.arg("run");
        line.args(environment.iter().map(|variable| format!("--env={variable}")));
        run(line.arg(&self.container).arg("--").args(command))
    }

    /// Returns the unpacked size of the image, in bytes.
    fn size(&self) -> u64 {
        let archive = self.file("image.tar");
        let to = format!("docker-archive:{}", archive.display());
        self.buildah(&["push", "--quiet", "mesosphere/janitor", &to]);
        metadata(archive).unwrap().len()
    }

    fn buildah(&self, arguments: &[&str]) -> String {
        let run = run(self.command().args(arguments));
        assert_eq!(run.exit, 0, "buildah {arguments:?}: {}", run.stderr);
        run.stdout
    }

    fn command(&self) -> Command {
        let mut command = program("buildah");
        command.args(["--storage-driver=vfs", "--root", &self.folder("root")]);
        command.args(["--runroot", &self.folder("run")]);
        command.env("BUILDAH_ISOLATION", "chroot");
        command
    }

    fn folder(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Returns the path of a file, in a folder that exists.
    fn file(&self, name: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        create_dir_all(file.parent().unwrap()).unwrap();
        file
    }
}

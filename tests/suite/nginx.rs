//! A real nginx that stands before the stand-in as DC/OS's Admin Router stands before
//! a cluster: with its paths, its error pages, and its limits scaled down from 60 s to 1 s.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use janitor_tests::Cluster;
use tempfile::TempDir;

use crate::command::program;

/// A router's deviation from its usual configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// The usual configuration.
    Usual,
    /// No framework `marathon` is known.
    NoMarathon,
    /// Every client gets the login page.
    Login,
    /// Every client is redirected to the port for TLS.
    ToTls,
    /// The router speaks TLS, with this certificate and key.
    Tls,
}

/// A running nginx, which is stopped when it is dropped.
pub struct Nginx {
    process: Child,
    port: u16,
    folder: TempDir,
}

/// Finds nginx.
///
/// # Errors
/// Fails if nginx is not installed.
pub fn installed() -> Result<PathBuf, String> {
    ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
        .map(PathBuf::from)
        .into_iter()
        .find(|file| file.exists())
        .ok_or_else(|| "there is no nginx".into())
}

impl Nginx {
    /// Starts nginx in front of a cluster.
    pub fn start(cluster: &Cluster, way: Way) -> Self {
        Self::with_files(cluster, way, &[])
    }

    /// Starts nginx in front of a cluster, with these files in its folder.
    pub fn with_files(cluster: &Cluster, way: Way, files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        // Another process may have taken the port.
        let (process, port) = (0..3)
            .find_map(|_| try_start(cluster, way, folder.path()))
            .unwrap_or_else(|| panic!("nginx does not start: {}", log(folder.path())));
        Self { process, port, folder }
    }

    /// Returns the URL for `--dcos-url`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the router's error log.
    pub fn log(&self) -> String {
        log(self.folder.path())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // nginx may already have ended, which the test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("error.log")).unwrap_or_default()
}

fn try_start(cluster: &Cluster, way: Way, folder: &Path) -> Option<(Child, u16)> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = folder.join("nginx.conf");
    fs::write(&config, configuration(cluster, way, port)).unwrap();
    fs::create_dir_all(folder.join("pages")).unwrap();
    fs::write(
        folder.join("pages/401.html"),
        "<!DOCTYPE html>\n<html>\n<head><title>401 Unauthorized</title></head>\n\
         <body><h1>401 Unauthorized</h1><p>Log in to DC/OS.</p></body>\n</html>\n",
    )
    .unwrap();
    let mut child = program(installed().expect("nginx is here"))
        .arg("-p")
        .arg(folder)
        .arg("-e")
        .arg(folder.join("error.log"))
        .arg("-c")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx can be run");
    for _ in 0..600 {
        let listens = TcpStream::connect(("127.0.0.1", port)).is_ok();
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if listens {
            return Some((child, port));
        }
        sleep(Duration::from_millis(50));
    }
    // nginx must not outlive the test.
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Returns the configuration. A `proxy_pass` with a path, as DC/OS has it, decodes the rest of the
/// request's path and encodes it again, except for characters such as `;`.
fn configuration(cluster: &Cluster, way: Way, port: u16) -> String {
    let authority = |url: String| url.split('/').nth(2).unwrap_or_default().to_owned();
    let upstreams: String = [
        ("master", cluster.master_url()),
        ("exhibitor", cluster.exhibitor_url()),
        ("marathon", cluster.marathon_url()),
        ("iam", cluster.login_url()),
    ]
    .map(|(name, url)| format!("upstream {name} {{ server {}; }}\n", authority(url)))
    .concat();
    let marathon = match way {
        Way::NoMarathon => r#"return 404 "404 Not Found: service not found.";"#,
        _ => "proxy_pass http://marathon/;",
    };
    let everywhere = match way {
        Way::Login => {
            r#"default_type text/html;
               return 200 "<!DOCTYPE html><html><head><title>DC/OS Login</title></head></html>";"#
        }
        Way::ToTls => "return 301 https://127.0.0.1:$server_port$request_uri;",
        Way::Tls => "ssl_certificate server.pem; ssl_certificate_key server.key;",
        Way::Usual | Way::NoMarathon => "",
    };
    let ssl = if way == Way::Tls { " ssl" } else { "" };
    format!(
        r#"
daemon off;
master_process off;
pid nginx.pid;
error_log error.log info;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  client_max_body_size 16m;
  {upstreams}
  server {{
    listen 127.0.0.1:{port}{ssl};
    {everywhere}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_connect_timeout 1s;
    proxy_send_timeout 1s;
    proxy_read_timeout 1s;
    proxy_intercept_errors on;
    error_page 401 /401.html;
    location = /401.html {{ root pages; internal; }}
    location /mesos/ {{ proxy_pass http://master/; }}
    location /exhibitor/ {{ proxy_pass http://exhibitor/; }}
    location /service/marathon/ {{ {marathon} }}
    location /service/ {{ return 404 "404 Not Found: service not found."; }}
    location /acs/ {{ proxy_pass http://iam/acs/; proxy_intercept_errors off; }}
  }}
}}
"#
    )
}

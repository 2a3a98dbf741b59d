//! An HTTP proxy that knows the cluster's servers by their default names.
//!
//! A program with this proxy as `http_proxy` uses the same URLs as in a cluster, so its output does
//! not depend on the ports of a test.

use std::net::SocketAddr;

use tokio::io::{self, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::message::Server;

/// Returns the default name and port of a server.
pub(crate) fn authority(server: Server) -> &'static str {
    match server {
        Server::Master => "leader.mesos:5050",
        Server::Standby => "standby.mesos:5050",
        Server::Exhibitor => "leader.mesos:8181",
        Server::Marathon => "marathon.mesos:8080",
        Server::Iam => "leader.mesos:80",
    }
}

/// Forwards connections to these servers until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, servers: Vec<(Server, SocketAddr)>) {
    while let Ok((client, _)) = listener.accept().await {
        let servers = servers.clone();
        // The client notices a broken connection itself.
        tokio::spawn(async move { tunnel(client, &servers).await });
    }
}

async fn tunnel(client: TcpStream, servers: &[(Server, SocketAddr)]) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let request = head(&mut client).await?;
    let mut words = request.split_whitespace();
    let (method, target) = (words.next(), words.next());
    if method != Some("CONNECT") {
        return refuse(client, "501 Not Implemented").await;
    }
    let known = servers.iter().find(|(server, _)| Some(authority(*server)) == target);
    let Some((_, address)) = known else {
        return refuse(client, "502 Bad Gateway").await;
    };
    let mut server = TcpStream::connect(address).await?;
    server.set_nodelay(true)?;
    client.get_ref().set_nodelay(true)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Reads the request line and the headers, and returns the request line.
async fn head(client: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut request = String::new();
    client.read_line(&mut request).await?;
    let mut header = String::new();
    while client.read_line(&mut header).await? > 2 {
        header.clear();
    }
    Ok(request)
}

async fn refuse(mut client: BufReader<TcpStream>, status: &str) -> io::Result<()> {
    let reply = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    client.write_all(reply.as_bytes()).await?;
    client.shutdown().await
}

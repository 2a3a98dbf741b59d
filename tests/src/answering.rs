//! A server whose responses the test computes.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract;
use axum::http::{Request, Response};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// An HTTP server on loopback, on its own threads. It stops when it is dropped.
pub struct Answering {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Answering {
    /// Starts a server on a free port, which calls `answer` for every request.
    #[must_use]
    pub fn start<F>(answer: F) -> Answering
    where
        F: Fn(&Request<Vec<u8>>) -> Response<Vec<u8>> + Clone + Send + Sync + 'static,
    {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("answering")
            .enable_all()
            .build()
            .expect("threads to run on");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket");
        let app = Router::new().fallback(move |request: extract::Request| async move {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
            answer(&Request::from_parts(head, body.into())).map(Body::from)
        });
        runtime.spawn(async move { axum::serve(listener, app).await });
        Answering { address, runtime: Some(runtime) }
    }

    /// Returns the server's URL, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

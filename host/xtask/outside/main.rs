//! A program outside of this repository that depends on the library's package alone. It prints the
//! digest of the component; with its feature `async`, it also runs the component as a future.

use std::error::Error;

use janitor_host::Janitor;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", Janitor::new()?.digest());
    #[cfg(feature = "async")]
    nonblocking::discover()?;
    Ok(())
}

#[cfg(feature = "async")]
mod nonblocking {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread;
    use std::time::Duration;

    use janitor_host::{
        AsyncResponse, AsyncSession, AsyncTransport, BoxFuture, Error, Janitor, LoadError, Options,
        Request,
    };

    /// A cluster without servers.
    struct Nowhere;

    impl AsyncTransport for Nowhere {
        fn send(&mut self, _: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>> {
            Box::pin(async { Err(Error::Connect("there is no server".into())) })
        }

        fn spawn(&mut self, task: BoxFuture<'static, ()>) {
            finish(task);
        }

        fn pause(&mut self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(async {})
        }
    }

    /// Prints why nothing can be listed without servers.
    pub fn discover() -> Result<(), LoadError> {
        let options = Options { confirm_seconds: 0, ..Options::DEFAULT };
        let janitor = Janitor::new()?;
        let run = janitor.discover_async(&options, AsyncSession::new_async(Nowhere));
        match finish(run) {
            Ok(_) => println!("a list of nothing"),
            Err(error) => println!("{error}"),
        }
        Ok(())
    }

    /// Polls a future until it is ready.
    fn finish<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::yield_now(),
            }
        }
    }
}

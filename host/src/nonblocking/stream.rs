//! The body of a response as a stream of pieces.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use janitor_contract::types::Error;
use janitor_transport::exchange::Reads;

/// A body that is read in other pieces than those in which it arrives.
pub struct Pieces {
    stream: BoxStream<'static, Result<Bytes, Error>>,
    /// The rest of the piece that arrived last.
    rest: Bytes,
    reads: Reads,
}

impl Pieces {
    pub(super) fn new(stream: BoxStream<'static, Result<Bytes, Error>>) -> Self {
        Self { stream, rest: Bytes::new(), reads: Reads::default() }
    }

    /// Reads at most `limit` bytes: those that have arrived, or else the next ones. No bytes mark
    /// the end of the body.
    pub(super) async fn read(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        if let Some(over) = self.reads.over() {
            return over.map(|_| Vec::new());
        }
        let count = self.arrive().await.map(|()| limit.min(self.rest.len()));
        let count = self.reads.settle(count, limit)?;
        Ok(self.rest.split_to(count).into())
    }

    /// Waits until there are bytes to read, or the body has ended.
    async fn arrive(&mut self) -> Result<(), Error> {
        while self.rest.is_empty() {
            match self.stream.next().await {
                Some(piece) => self.rest = piece?,
                None => break,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::stream::{self, StreamExt};

    use super::*;

    /// Reads until the end or the failure of a body, and once more.
    fn reads(pieces: Vec<Result<&'static str, Error>>) -> Vec<Result<String, Error>> {
        let pieces = pieces.into_iter().map(|piece| piece.map(Bytes::from));
        let mut pieces = Pieces::new(stream::iter(pieces).boxed());
        let mut read = || {
            let read = pieces.read(4).now_or_never().unwrap();
            read.map(|bytes| String::from_utf8(bytes).unwrap())
        };
        let mut reads = Vec::new();
        loop {
            reads.push(read());
            if reads.last().unwrap().as_ref().is_ok_and(String::is_empty)
                || reads.last().unwrap().is_err()
            {
                reads.push(read());
                return reads;
            }
        }
    }

    #[test]
    fn the_pieces_are_cut_as_the_component_asks() {
        let text = |text: &str| Ok(text.to_owned());
        assert_eq!(
            reads(vec![Ok("abcdef"), Ok(""), Ok("gh")]),
            [text("abcd"), text("ef"), text("gh"), text(""), text("")]
        );
        assert_eq!(
            reads(vec![Ok("ab"), Err(Error::Reset), Ok("c")]),
            [text("ab"), Err(Error::Reset), Err(Error::Reset)]
        );
    }

    #[test]
    fn only_the_host_denies_and_stops() {
        let read = reads(vec![Err(Error::Stopped)]);
        assert!(matches!(read[..], [Err(Error::Internal(_)), Err(Error::Internal(_))]), "{read:?}");
    }
}

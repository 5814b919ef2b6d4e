//! The same bytes over a real connection, torn anywhere: what arrives must not depend on where.

use proptest::prelude::*;

use super::{Cuts, Format, Layout, Reader, Said};
use crate::server::{Script, Server, ask, endpoint};

/// Where a stream is torn, as shares of its length.
pub(super) fn splits() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..1.0, 0..6)
}

pub(super) fn however_the_bytes_travel<F: Format>(said: &Said, sizes: &[usize], layout: Layout, at: &[f64]) {
    let Some(stream) = F::stream(said, &Cuts::new(sizes)) else { return };
    let bytes = stream.bytes(layout);
    let at_once = Reader::<F>::streamed(said, &bytes).expect("what was said can be read");
    let mut ends: Vec<usize> = at.iter().map(|share| place(bytes.len(), *share)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut pieces: Vec<&[u8]> = Vec::new();
    let mut from = 0;
    for end in ends {
        pieces.push(&bytes[from..end]);
        from = end;
    }
    let declared = std::str::from_utf8(F::STREAM_TYPE).expect("a content type");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let reply = runtime.block_on(async {
        let server = Server::start(vec![Script::chunked(declared, &pieces)]).await;
        let model = format!("{}/{}", F::row().name, F::model(said));
        let endpoint = endpoint(&model, &server.base, |options| options.stream = true);
        ask(&endpoint).await.expect("the same reply").reply
    });
    assert_eq!(reply.extraction, at_once.extraction);
    assert_eq!((reply.finish, reply.blocked, reply.usage), (at_once.finish, at_once.blocked, at_once.usage));
    assert_eq!(reply.exchange.raw.response, bytes);
}

fn place(len: usize, share: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a short length"
    )]
    let at = (len as f64 * share) as usize;
    at.min(len)
}

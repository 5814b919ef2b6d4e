//! aimock starts, answers and goes away.

use std::net::TcpStream;

use testkit::aimock::Aimock;

#[test]
fn aimock_comes_up_and_is_killed_on_drop() {
    let Some(mock) = Aimock::start(&Aimock::fixtures()) else { return };
    let address = mock.url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(mock);
    assert!(TcpStream::connect(&address).is_err());
}

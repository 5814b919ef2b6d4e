//! A planted key never comes out.

use undersight_endpoint::secret::{ApiKey, Redactor};

use crate::server::{KEY, Script, Server, ask, endpoint};

#[test]
fn texts_and_bytes_lose_their_secrets() {
    let key = ApiKey::parse(KEY).unwrap();
    let redactor = Redactor::new(Some(&key), ["hunter2".to_owned(), "x".to_owned()]);
    for (text, expected) in [
        ("nothing here, xylophone", "nothing here, xylophone"),
        ("key sk-planted-0123456789abcdef!", "key [redacted]!"),
        ("hunter2 and hunter2", "[redacted] and [redacted]"),
        ("Authorization: Bearer abcdefghijkl, yes", "Authorization: Bearer [redacted], yes"),
        ("{\"a\":\"bearer abcdefghijkl\"}", "{\"a\":\"bearer [redacted]\"}"),
        ("send a bearer token, please", "send a bearer token, please"),
        ("BEARER ", "BEARER "),
        ("é bearer éééééééé é", "é bearer [redacted] é"),
    ] {
        assert_eq!(redactor.text(text), expected);
    }
    let bytes = redactor.bytes(format!("\u{e9}{KEY}-{KEY}s{}", &KEY[..5]).into_bytes());
    assert_eq!(String::from_utf8(bytes).unwrap(), format!("\u{e9}[redacted]-[redacted]s{}", &KEY[..5]));
    assert!(!format!("{key:?} {redactor:?}").contains("planted"));
}

#[tokio::test]
async fn a_server_that_echoes_the_key_reveals_nothing() {
    let echo = format!(r#"{{"error":{{"message":"bad key {KEY} in Bearer {KEY}"}}}}"#);
    let answer = format!(r#"{{"choices":[{{"message":{{"content":"{KEY}"}},"finish_reason":"stop"}}]}}"#);
    let html = format!("<html>{KEY}");
    for (status, headers, body) in [
        ("401 Unauthorized", String::new(), echo.as_str()),
        ("400 Bad Request", format!("x-request-id: {KEY}\r\n"), echo.as_str()),
        ("500 Internal Server Error", String::new(), KEY),
        ("302 Found", format!("location: http://{KEY}.example/\r\n"), ""),
        ("200 OK", String::new(), answer.as_str()),
        ("200 OK", String::new(), html.as_str()),
        ("200 OK", String::new(), KEY),
    ] {
        let server = Server::start(vec![Script::whole(status, &headers, body)]).await;
        let endpoint = server.endpoint(|o| o.max_retries = 0);
        let outcome = ask(&endpoint).await;
        let raw = match &outcome {
            Ok(answered) => &answered.reply.exchange.raw,
            Err(failed) => &failed.exchange.raw,
        };
        let shown = format!("{endpoint:?} {outcome:?} {}", String::from_utf8_lossy(&raw.response));
        assert!(!shown.contains("planted"), "{status}: {shown}");
        assert!(server.requests()[0].contains(KEY), "the key was sent");
    }
}

#[tokio::test]
async fn credentials_in_a_base_url_stay_out_of_sight() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://user:hunter22@{free}/v1?api-key=abcd1234");
    let endpoint = endpoint("vllm/m", &base, |o| o.max_retries = 0);
    let failed = ask(&endpoint).await.unwrap_err();
    let shown = format!("{endpoint:?} {} {failed:?}", endpoint.url());
    assert!(!shown.contains("hunter22") && !shown.contains("abcd1234"), "{shown}");
}

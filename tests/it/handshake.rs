//! The recorded handshake against foreign servers: one that talks, and several that refuse.

use std::time::Duration;

use anynews::handshake::{Transcript, record, show};
use anynews::target::Target;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;

/// Handshakes with a server that treats its only connection as `serve` says.
async fn against<F: Future<Output = ()>>(
    patience: Duration,
    serve: impl FnOnce(TcpStream) -> F,
) -> Transcript {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("ws://{}/chat", listener.local_addr().unwrap())).unwrap();
    let serving = async {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
        // The transcript decides when it is over, not the server.
        std::future::pending::<()>().await;
    };
    let nobody = anynews::tls::nobody();
    let transcript = tokio::select! {
        transcript = record::record(&target, &nobody, patience) => transcript,
        () = serving => unreachable!("it never ends"),
    };
    transcript
}

fn text(transcript: &Transcript) -> String {
    anstream::adapter::strip_str(&show::render(transcript)).to_string()
}

const PATIENT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_echo_server_shows_both_directions() {
    let transcript = against(PATIENT, |stream| async {
        let (to, from) = accept_async(stream).await.unwrap().split();
        // Ends with an error when the client hangs up, as it should.
        let _ = from.filter(|m| std::future::ready(m.as_ref().is_ok_and(|m| m.is_text()))).forward(to).await;
    })
    .await;
    assert_eq!(transcript.failure, None);
    let text = text(&transcript);
    for said in ["GET /chat HTTP/1.1", "The two agree", "MASK 1: the payload is masked", "MASK 0: not masked"]
    {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_status_and_keeps_the_answer() {
    let transcript = against(PATIENT, |mut stream| async move {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!").await.unwrap();
    })
    .await;
    assert!(transcript.failure.as_ref().unwrap().contains("403 instead of 101"));
    assert!(text(&transcript).contains("The server does not let this client in."));
}

#[tokio::test]
async fn a_wrong_accept_key_is_shown_and_is_a_failure() {
    let transcript = against(PATIENT, |mut stream| async move {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    assert!(transcript.failure.as_ref().unwrap().contains("the upgrade failed"));
    assert!(text(&transcript).contains("a client must hang up now"));
}

#[tokio::test]
async fn silence_ends_by_itself() {
    let transcript = against(Duration::from_millis(50), |stream| async {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    assert!(transcript.failure.unwrap().contains("did not answer within 0.05 s"));
}

#[tokio::test]
async fn a_server_that_upgrades_and_then_keeps_silent_is_no_failure() {
    let transcript = against(Duration::from_millis(200), |stream| async {
        let _open = accept_async(stream).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(transcript.failure, None);
    assert!(text(&transcript).contains("did not send a message within 0.2 s"));
}

#[tokio::test]
async fn garbage_and_a_closed_port_are_clear_failures() {
    let transcript = against(PATIENT, |mut stream| async move {
        stream.write_all(b"\x00\xff SSH-2.0-nothing\r\n\r\n").await.unwrap();
    })
    .await;
    assert!(transcript.failure.as_ref().unwrap().contains("the upgrade failed"));
    assert!(!text(&transcript).is_empty());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target = Target::parse(&format!("ws://{address}")).unwrap();
    let transcript = record::record(&target, &anynews::tls::nobody(), PATIENT).await;
    assert!(transcript.failure.unwrap().contains("cannot connect"));
    assert!(transcript.chunks.is_empty());
}

#[tokio::test]
async fn our_own_server_speaks_unasked() {
    let transcript = record::record_our_own(PATIENT).await.unwrap();
    assert_eq!(transcript.failure, None);
    assert!(transcript.unasked);
    let text = text(&transcript);
    // In this order: greeting, our publish, its acknowledgement, somebody else's event, both hang up.
    let frames: Vec<_> = text.lines().skip_while(|line| !line.starts_with("4. ")).skip(2).take(6).collect();
    let expected = [
        ("server", "text", "{\"hello\""),
        ("client", "text", "{\"kind\""),
        ("server", "text", "{\"ack\""),
        ("server", "text", "{\"topic\""),
        ("client", "close", "1000"),
        ("server", "close", "1000"),
    ];
    for (line, (side, kind, payload)) in frames.iter().zip(expected) {
        assert!(line.contains(side) && line.contains(kind) && line.contains(payload), "{line}\n{text}");
    }
    assert!(text.contains("Frame 4 byte by byte: the server speaks unasked"), "{text}");
}

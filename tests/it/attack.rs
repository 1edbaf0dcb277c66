//! Hostile and broken requests, each with what may come of it; for the test and the benchmark.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The token that attackers do not know; only broken requests are sent with it.
pub const TOKEN: &str = "s3cret";

/// A single attack may take this long before the server counts as hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// One way to attack.
pub struct Attack {
    pub name: String,
    bytes: Vec<u8>,
    expected: Expected,
}

enum Expected {
    /// An error, or no answer at all.
    NoSuccess,
    /// This status.
    Status(u16),
    /// An upgrade that ends with this close code.
    Close(u16),
}

/// All ways: those of the corpus, and those whose size or number would not fit a file.
pub fn all() -> Vec<Attack> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/http");
    let mut files: Vec<_> =
        std::fs::read_dir(corpus).expect("the corpus").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let broken = files.into_iter().map(|path| Attack {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: std::fs::read(&path).expect("a file of the corpus"),
        expected: Expected::NoSuccess,
    });
    broken.chain(http()).chain(sockets()).collect()
}

fn attack(name: &str, bytes: impl Into<Vec<u8>>, expected: Expected) -> Attack {
    Attack { name: name.to_owned(), bytes: bytes.into(), expected }
}

fn http() -> Vec<Attack> {
    let post = |headers: &str, body: &str| {
        let length = body.len();
        format!(
            "POST /topics/t/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
    };
    let get =
        |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    let local = "Host: localhost\r\n";
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    let event = r#"{"data":"let me in"}"#;
    let huge = format!(r#"{{"data":"{}"}}"#, "x".repeat(100_000));
    let deep = format!(r#"{{"data":{}"#, "[".repeat(60_000));
    let long_name = format!(r#"{{"data":1,"id":"{}"}}"#, "x".repeat(65));
    let kind = r#"{"data":1,"kind":"a\nid: 9"}"#;
    use Expected::Status;
    vec![
        attack("no token", post("", event), Status(401)),
        attack("wrong token", post("Authorization: Bearer guess\r\n", event), Status(401)),
        attack("token with a tail", post("Authorization: Bearer s3cretx\r\n", event), Status(401)),
        attack("token as a password", post("Authorization: Basic s3cret\r\n", event), Status(401)),
        attack("foreign page", post(&format!("Origin: http://evil.example\r\n{token}"), event), Status(403)),
        attack("sandboxed page", post(&format!("Origin: null\r\n{token}"), event), Status(403)),
        attack("foreign name", get("/stats", "Host: evil.example\r\n"), Status(403)),
        attack(
            "foreign name, loopback in it",
            get("/stats", "Host: 127.0.0.1.evil.example\r\n"),
            Status(403),
        ),
        attack("too large", post(&token, &huge), Status(413)),
        attack("too deep", post(&token, &deep), Status(400)),
        attack("name too long", post(&token, &long_name), Status(400)),
        attack("forged field of a stream", post(&token, kind), Status(400)),
        attack("no JSON", post(&token, "what is new?"), Status(400)),
        attack("no data", post(&token, r#"{"kind":"message"}"#), Status(400)),
        attack("limit beyond all", get("/topics/t/events?limit=99999999999999999999", local), Status(400)),
        attack("wait for ever", get("/topics/t/events?wait=99999999999999999999h", local), Status(400)),
        attack("after below zero", get("/topics/t/events?after=-1", local), Status(400)),
        attack("topic too long", get(&format!("/topics/{}/events", "x".repeat(200)), local), Status(400)),
        attack("nowhere", get("/control/window", local), Status(404)),
        attack(
            "head too large",
            get("/", &format!("{local}X: {}\r\n", "x".repeat(40_000))),
            Expected::NoSuccess,
        ),
        attack(
            "too many headers",
            get("/", &format!("{local}{}", "X: y\r\n".repeat(1_000))),
            Expected::NoSuccess,
        ),
    ]
}

fn sockets() -> Vec<Attack> {
    let open = |headers: &str, frames: Vec<u8>| {
        let head = format!(
            "GET /topics/t/socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        [head.into_bytes(), frames].concat()
    };
    let frame = |first: u8, text: &[u8]| {
        let length = u16::try_from(text.len()).expect("a short frame").to_be_bytes();
        [&[first, 0x80 | 126, length[0], length[1], 0, 0, 0, 0][..], text].concat()
    };
    let fragments = [vec![frame(0x01, &[b' '; 30_000])], vec![frame(0x00, &[b' '; 30_000]); 3]].concat();
    let promise = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    use Expected::{Close, Status};
    vec![
        attack(
            "socket of a foreign page",
            open("Connection: close\r\nOrigin: http://evil.example\r\n", vec![]),
            Status(403),
        ),
        attack(
            "socket with a wrong token",
            open("Connection: close\r\nAuthorization: Bearer guess\r\n", vec![]),
            Status(401),
        ),
        attack("wrong token by message", open("", frame(0x81, br#"{"token":"guess"}"#)), Close(3500)),
        attack("unmasked frame", open("", vec![0x81, 0x01, b'x']), Close(1002)),
        attack("reserved opcode", open("", frame(0x83, b"x")), Close(1002)),
        attack("reserved bit", open("", frame(0xc1, b"x")), Close(1002)),
        attack("continuation of nothing", open("", frame(0x80, b"x")), Close(1002)),
        attack("fragmented ping", open("", frame(0x09, b"x")), Close(1002)),
        attack("no UTF-8", open("", frame(0x81, &[0xff, 0xfe])), Close(1007)),
        attack("frame too large", open("", promise), Close(1009)),
        attack("fragments too large", open("", fragments.concat()), Close(1009)),
    ]
}

impl Attack {
    /// Attacks once.
    ///
    /// # Errors
    /// What the server let in, or that it did not end the connection.
    pub async fn strike(&self, address: SocketAddr) -> Result<(), String> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(address)).await;
        let answer = answer.map_err(|_| format!("{}: the server did not end it", self.name))?;
        let status =
            answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
        let fine = match self.expected {
            Expected::NoSuccess => status.is_none_or(|status| (400..600).contains(&status)),
            Expected::Status(expected) => status == Some(expected),
            Expected::Close(code) => {
                let close = |at: &[u8]| at[0] == 0x88 && at[2..4] == code.to_be_bytes();
                status == Some(101) && answer.windows(4).any(close)
            }
        };
        let shown = || String::from_utf8_lossy(&answer[..answer.len().min(400)]).into_owned();
        if fine { Ok(()) } else { Err(format!("{}: {}", self.name, shown())) }
    }

    async fn exchange(&self, address: SocketAddr) -> Vec<u8> {
        let mut answer = Vec::new();
        let Ok(mut stream) = TcpStream::connect(address).await else { return answer };
        // The server may have had enough before all is sent, or while it is.
        let (mut from, mut to) = stream.split();
        let send = async {
            let _ = to.write_all(&self.bytes).await;
            // What is cut off has to end; an answer to what is whole would be given up with it.
            if self.name.starts_with("cut-") {
                let _ = to.shutdown().await;
            }
        };
        let read = async {
            let _ = (&mut from).take(1 << 20).read_to_end(&mut answer).await;
        };
        tokio::join!(send, read);
        answer
    }
}

/// Connections that begin a request and never end it, a byte at a time, until dropped.
pub struct SlowLoris(Vec<tokio::task::JoinHandle<()>>);

impl SlowLoris {
    pub fn start(address: SocketAddr, connections: usize) -> Self {
        Self((0..connections).map(|_| tokio::spawn(drip(address))).collect())
    }
}

impl Drop for SlowLoris {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn drip(address: SocketAddr) {
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        for byte in
            b"GET /topics/t/events HTTP/1.1\r\nHost: localhost\r\nX: ".iter().chain(b"x".iter().cycle())
        {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

//! `anynews serve` as a process: what it prints, how it ends, what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

struct Serve {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Serve {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_anynews"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Exit code and standard error of a `serve` that does not come up.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_anynews")).arg("serve").args(arguments).output().unwrap();
    assert_eq!(output.stdout, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn healthy(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_where_it_listens_and_ends_at_a_signal() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut serve = Serve::start(&[]);
        let line = serve.line();
        let address = line.strip_prefix("listening on http://").unwrap();
        assert!(healthy(address).ends_with("ok\n"));
        serve.signal(signal);
        assert_eq!(serve.exit_code(), Some(code));
    }
}

#[test]
fn a_child_of_run_announces_its_control_ignores_ctrl_c_and_ends_with_its_stdin() {
    let own = std::process::id().to_string();
    let mut serve =
        Serve::start(&["--control", "127.0.0.1:0", "--child-of", &own, "--clock", "-5", "--seed", "1"]);
    assert!(serve.line().starts_with("listening on http://127.0.0.1:"));
    let line = serve.line();
    let address = line.strip_prefix("control on http://").unwrap();
    serve.signal(Signal::INT);
    assert!(healthy(address).ends_with("ok\n"));
    drop(serve.child.stdin.take());
    assert_eq!(serve.exit_code(), Some(0));
}

#[test]
fn a_network_is_said_and_felt_by_any_client() {
    let mut serve = Serve::start(&["--network", "3g,rtt=150ms"]);
    let line = serve.line();
    let address = line.strip_prefix("listening on http://").unwrap();
    assert_eq!(serve.line(), "network rtt=150ms,jitter=0ms,loss=0,down=500kbit/s,up=500kbit/s");
    let begin = Instant::now();
    assert!(healthy(address).ends_with("ok\n"));
    // Opening the connection, then request and answer.
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}

#[test]
fn beyond_loopback_it_listens_with_a_token_that_publishing_needs() {
    // Both `--listen` would be one too many, so not through `Serve::start`.
    let mut child = Command::new(env!("CARGO_BIN_EXE_anynews"))
        .args(["serve", "--listen", "0.0.0.0:0"])
        .env("ANYNEWS_TOKEN", "s3cret")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut serve = Serve { child, out };
    let line = serve.line();
    let port = line.strip_prefix("listening on http://0.0.0.0:").unwrap();
    for (token, status) in [("", "401"), ("Authorization: Bearer s3cret\r\n", "201")] {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let head = "POST /topics/t/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        write!(stream, "{head}{token}Content-Length: 10\r\n\r\n{{\"data\":1}}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    }
}

#[test]
fn a_port_in_use_is_a_runtime_error_that_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, message) = refused(&["--listen", &address]);
    assert_eq!(code, Some(1));
    assert!(message.contains(&address) && message.contains("in use"), "{message}");
}

#[test]
fn a_redis_that_is_not_there_is_a_runtime_error_that_names_it() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for broker in ["redis", "redis-pubsub"] {
        let url = format!("redis://me:secret@{free}");
        let (code, message) = refused(&["--listen", "127.0.0.1:0", "--broker", broker, "--redis", &url]);
        assert_eq!(code, Some(1), "{message}");
        assert!(message.contains("cannot use Redis") && message.contains(&free.to_string()), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
    let (code, message) = refused(&["--broker", "redis", "--redis", "nonsense"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("cannot use Redis at nonsense"), "{message}");
}

#[test]
fn what_is_not_built_or_makes_no_sense_is_a_usage_error_that_says_why() {
    let cases: [(&[&str], &str); 15] = [
        (&["--broker", "kafka"], "memory"),
        (&["--redis", "redis://localhost"], "--broker redis"),
        (&["--token", ""], "visible"),
        (&["--listen", "0.0.0.0:0"], "--token"),
        (&["--listen", "[::]:0"], "--token"),
        (&["--allow-origin", "https://example.org/"], "without a path"),
        (&["--allow-host", "example.org:80"], "name alone"),
        (&["--max-rate", "0"], "--max-rate"),
        (&["--max-connections", "100000000000"], "open-file limit"),
        (&["--max-message", "many"], "size"),
        (&["--queue", "0B"], "1B"),
        (&["--keep", "0"], "--keep"),
        (&["--network", "edge"], "fast-4g"),
        (&["--network", "loss=1.5"], "no share"),
        (&["--network", "rtt=100ms,jitter=60ms"], "half the round trip"),
    ];
    for (arguments, word) in cases {
        let (code, message) = refused(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {message}");
        assert!(message.contains(word), "{arguments:?}: {message}");
    }
}

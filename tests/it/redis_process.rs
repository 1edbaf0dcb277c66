//! A redis-server of a test's own, on a free port, ended with the test whatever becomes of it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anynews::broker::{Broker, Capacity, Remote};
use anynews::clock::Clock;
use tempfile::TempDir;

/// Longest wait for it to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether this machine is to run tests that need Redis. Without it they fail, unless the user has
/// left out other people's programs.
pub fn wanted() -> bool {
    crate::foreign::wanted()
}

pub struct Redis {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Redis {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(port, &folder);
        let redis = Self { child, port, folder };
        redis.answers();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after [`Redis::kill`], on the same port, with its data or without.
    pub fn start_again(&mut self, keep_data: bool) {
        if !keep_data {
            self.folder = tempfile::tempdir().unwrap();
        }
        self.child = spawn(self.port, &self.folder);
        self.answers();
    }

    /// A broker that keeps a log here.
    pub async fn log(&self, keep: usize) -> Broker {
        Broker::log(&self.remote(), Capacity { keep, ..Capacity::default() }).await.unwrap()
    }

    /// A broker that only passes on.
    pub async fn pubsub(&self) -> Broker {
        Broker::pubsub(&self.remote(), Capacity::default()).await.unwrap()
    }

    fn remote(&self) -> Remote {
        let clock = Clock::anchored_now();
        Remote { url: self.url(), namespace: "test:".to_owned(), clock, stamped: false }
    }

    /// Sends a command and returns the answer.
    pub async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await.unwrap()
    }

    /// Cuts every connection that listens for news.
    pub async fn cut(&self) {
        let _: i64 = self.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    }

    /// The same, and publishes before any of them can be back; returns how many heard it.
    pub async fn cut_and_publish(&self, channel: &str, message: &str) -> i64 {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut both = redis::pipe();
        both.atomic().cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).ignore();
        both.cmd("PUBLISH").arg(&[channel, message]);
        both.query_async::<(i64,)>(&mut connection).await.unwrap().0
    }

    fn answers(&self) {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &TempDir) -> Child {
    let own = std::process::id().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_anynews"));
    command.args(["with-parent", "--child-of", &own, "--", "redis-server"]);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
    command.arg("--dir").arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().expect("the binary starts")
}

//! Two hosts on one machine: a network namespace each, a cable between them, and one Redis for both.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::foreign;
use crate::program::one_at_a_time;

const TOKEN: &str = "between-hosts";
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `ip`; what it says when it fails.
fn ip(arguments: &str) -> Result<(), String> {
    let output =
        Command::new("ip").args(arguments.split_whitespace()).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// A namespace, and what runs in it. All ends with the test.
struct Host {
    name: String,
    address: String,
    running: Vec<Child>,
}

impl Host {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Starts something that runs until the end of the test; returns its output.
    fn start(&mut self, command: &mut Command) -> BufReader<std::process::ChildStdout> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        self.running.push(child);
        out
    }

    /// A server of this host that keeps its feeds as these options say.
    fn serve(&mut self, options: &[&str]) {
        let listen = format!("{}:8080", self.address);
        let mut command = self.command(env!("CARGO_BIN_EXE_anynews"));
        command.args(["serve", "--listen", &listen, "--token", TOKEN, "--allow-host", &self.address]);
        command.args(options);
        let said = line(&mut self.start(&mut command));
        assert_eq!(said, format!("listening on http://{listen}"));
    }

    /// What curl gets, asked from within this host.
    fn curl(&self, arguments: &[&str]) -> String {
        let output = self.command("curl").args(["-sS", "--max-time", "20"]).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}:8080{path}", self.address)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        // Takes its end of the cable with it, and thereby the other.
        let _ = ip(&format!("netns del {}", self.name));
    }
}

fn line(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Two hosts with a cable between them, or why this machine allows none.
fn two_hosts() -> Result<(Host, Host), String> {
    let own = std::process::id();
    let host = |side: char, last: u8| {
        let name = format!("anynews-{side}-{own}");
        ip(&format!("netns add {name}"))?;
        Ok::<_, String>(Host { name, address: format!("10.199.{}.{last}", own % 250), running: Vec::new() })
    };
    let (a, b) = (host('a', 1)?, host('b', 2)?);
    let (left, right) = (format!("anl{own}"), format!("anr{own}"));
    ip(&format!("link add {left} netns {} type veth peer name {right} netns {}", a.name, b.name))?;
    for (host, end) in [(&a, &left), (&b, &right)] {
        ip(&format!("-n {} addr add {}/24 dev {end}", host.name, host.address))?;
        ip(&format!("-n {} link set {end} up", host.name))?;
        ip(&format!("-n {} link set lo up", host.name))?;
    }
    Ok((a, b))
}

/// Until the Redis of this host answers.
fn redis_answers(host: &Host) {
    let until = Instant::now() + PATIENCE;
    loop {
        let ping = ["-h", &host.address, "ping"];
        let output = host.command("redis-cli").args(ping).output().unwrap();
        if output.stdout.starts_with(b"PONG") {
            return;
        }
        assert!(Instant::now() < until, "redis-server does not answer");
        std::thread::yield_now();
    }
}

/// Two hosts for a test of this name; none where this machine allows none, which is then said aloud.
fn hosts_of(test: &str) -> Option<(Host, Host)> {
    match two_hosts() {
        Ok(hosts) => Some(hosts),
        Err(why) => {
            // Past the test's capture: nobody should take this for a test that passed.
            let _ = writeln!(
                std::io::stderr(),
                "NOT RUN: {}::{test}: this machine allows no network namespaces: {why}",
                module_path!()
            );
            None
        }
    }
}

#[test]
fn what_is_said_on_one_host_is_heard_on_another() {
    if !foreign::wanted() {
        return;
    }
    let Some((mut a, mut b)) = hosts_of("what_is_said_on_one_host_is_heard_on_another") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut redis = a.command("redis-server");
    redis.args(["--bind", &a.address, "--protected-mode", "no", "--save", "", "--dir"]).arg(folder.path());
    let _log = a.start(&mut redis);
    redis_answers(&a);
    let url = format!("redis://{}:6379", a.address);
    let kept = ["--broker", "redis", "--redis", &url];
    a.serve(&kept);
    b.serve(&kept);

    // Pushed: somebody listens at host b while it is said at host a.
    let mut listen = b.command("curl");
    listen.args(["-sSN", "--max-time", "20", &b.url("/topics/news/stream")]);
    let mut stream = b.start(&mut listen);
    let hello = std::iter::repeat_with(|| line(&mut stream))
        .take(200)
        .find(|line| line.starts_with("event:"))
        .unwrap();
    assert_eq!(hello, "event: hello");
    let say = ["--json", r#"{"data":"from a to b"}"#, "-H", &format!("Authorization: Bearer {TOKEN}")];
    let said = a.curl(&[&say[..], &[&a.url("/topics/news/events")]].concat());
    let heard = std::iter::repeat_with(|| line(&mut stream))
        .take(200)
        .find(|line| line.contains("from a to b"))
        .unwrap();
    assert!(heard.starts_with("data:"), "{heard}");
    // Pulled: the other server answers any position, and neither lets a stranger publish.
    let asked = b.curl(&[&b.url("/topics/news/events?after=0")]);
    assert!(asked.contains("from a to b") && asked.contains(r#""offset":1"#), "{said} {asked}");
    let refused =
        b.curl(&["-o", "/dev/null", "-w", "%{http_code}", "--json", "{}", &b.url("/topics/news/events")]);
    assert_eq!(refused, "401");
}

#[test]
fn the_people_of_a_load_machine_turn_to_a_server_on_another_host() {
    if !foreign::wanted() {
        return;
    }
    let Some((mut a, b)) = hosts_of("the_people_of_a_load_machine_turn_to_a_server_on_another_host") else {
        return;
    };
    let _alone = one_at_a_time();
    a.serve(&[]);
    let folder = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let mut command = b.command(env!("CARGO_BIN_EXE_anynews"));
        command.args(["run", "chat", "--no-report", "--format", "json", "-q", "--target", &a.url("")]);
        command.args(["--duration", "2s", "--set", "clients=40", "--set", "warmup=500ms"]).args(more);
        command.current_dir(folder.path()).output().unwrap()
    };
    let output = run(&["--token", TOKEN]);
    let said = String::from_utf8_lossy(&output.stderr);
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    for t in outcome["transports"].as_array().unwrap() {
        assert!(t["deliveries"]["delivered"].as_u64() > Some(0), "{t}");
        assert_eq!((&t["deliveries"]["lost"], &t["requests"]["failed"]), (&0.into(), &0.into()), "{t}");
    }
    assert_eq!(outcome["targets"][0]["url"], a.url(""));
    // Whoever does not know the token publishes nothing from there.
    let stranger = run(&[]);
    let said = String::from_utf8_lossy(&stranger.stderr);
    assert!(stranger.status.code() == Some(1) && said.contains("ANYNEWS_TOKEN"), "{said}");
}

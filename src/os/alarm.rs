//! Waiting for a time exactly, by one timer of the system for all who wait in a runtime.
//!
//! Tokio's timer counts in milliseconds, rounds up and adds one (its issue 5021), so what is asked, sent
//! or delayed by it comes 1 to 2 ms late: on a link of 20 ms as much as most of its jitter. On Linux a
//! `timerfd` wakes the runtime's own poll within some 0.1 ms; elsewhere, and where no file can be opened
//! for it, tokio's timer does.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::runtime::{Handle, Id};
use tokio::sync::watch;

/// Waits until `at`; over at once when that has passed.
#[must_use]
pub fn sleep_until(at: Instant) -> Sleep {
    Sleep { at, entry: None }
}

/// Waits for a time. To be polled within a tokio runtime.
#[derive(Debug)]
pub struct Sleep {
    at: Instant,
    /// Where this one is written down, and as what.
    entry: Option<(Arc<Alarm>, Key)>,
}

impl Sleep {
    /// Waits for another time from now on.
    pub fn reset(&mut self, at: Instant) {
        if self.at != at {
            self.forget();
            self.at = at;
        }
    }

    fn forget(&mut self) {
        if let Some((alarm, key)) = self.entry.take() {
            // Dropped after the lock: the last waker of a task takes the task along, and what that waits for.
            let waker = alarm.waiting().remove(&key);
            drop(waker);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.at {
            self.forget();
            return Poll::Ready(());
        }
        let at = self.at;
        let (alarm, key) = self.entry.get_or_insert_with(|| (Alarm::of_this_runtime(), Key::new(at)));
        alarm.write_down(*key, cx.waker());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

/// A time to wake somebody, and a number that tells apart those of one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(Instant, u64);

impl Key {
    fn new(at: Instant) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(at, NEXT.fetch_add(1, Relaxed))
    }
}

/// Who waits in one runtime, and the timer that is set for the first of them.
#[derive(Debug)]
struct Alarm {
    waiting: Mutex<Waiting>,
    timer: Timer,
}

type Waiting = BTreeMap<Key, Waker>;

impl Alarm {
    /// The alarm of the runtime that polls; the first who waits there sets it up. Its task ends with
    /// the runtime, and nothing else keeps it.
    fn of_this_runtime() -> Arc<Self> {
        static ALARMS: LazyLock<Mutex<HashMap<Id, Weak<Alarm>>>> = LazyLock::new(Mutex::default);
        let runtime = Handle::current();
        let mut alarms = ALARMS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(alarm) = alarms.get(&runtime.id()).and_then(Weak::upgrade) {
            return alarm;
        }
        let alarm = Arc::new(Self { waiting: Mutex::default(), timer: Timer::new() });
        alarms.retain(|_, alarm| alarm.strong_count() > 0);
        alarms.insert(runtime.id(), Arc::downgrade(&alarm));
        runtime.spawn(alarm.clone().ring());
        alarm
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_down(&self, key: Key, waker: &Waker) {
        let mut waiting = self.waiting();
        let before = waiting.insert(key, waker.clone());
        // Whoever is not first is woken after the first, when the timer is set anew.
        if waiting.first_key_value().is_some_and(|(first, _)| *first == key) {
            self.timer.set(key.0);
        }
        drop(waiting);
        drop(before);
    }

    async fn ring(self: Arc<Self>) {
        loop {
            self.timer.expired().await;
            for waker in self.due() {
                waker.wake();
            }
        }
    }

    /// Takes out those whose time has come, and sets the timer for the next.
    fn due(&self) -> Vec<Waker> {
        let mut waiting = self.waiting();
        let later = waiting.split_off(&Key(Instant::now(), u64::MAX));
        let due = std::mem::replace(&mut *waiting, later);
        if let Some((next, _)) = waiting.first_key_value() {
            self.timer.set(next.0);
        }
        due.into_values().collect()
    }
}

/// One timer of the system.
#[derive(Debug)]
enum Timer {
    #[cfg(target_os = "linux")]
    Fine(fine::Timer),
    /// Tokio's, and when it is to ring.
    Coarse(watch::Sender<Option<Instant>>),
}

impl Timer {
    fn new() -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(timer) = fine::Timer::new() {
            return Self::Fine(timer);
        }
        Self::coarse()
    }

    fn coarse() -> Self {
        Self::Coarse(watch::Sender::new(None))
    }

    /// Rings at `at` and not at what was set before.
    fn set(&self, at: Instant) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Fine(timer) => timer.set(at),
            Self::Coarse(when) => drop(when.send_replace(Some(at))),
        }
    }

    /// Returns when it rings: once for each time it was set, or once for several.
    async fn expired(&self) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Fine(timer) => timer.expired().await,
            Self::Coarse(when) => {
                let mut changes = when.subscribe();
                loop {
                    let at = *changes.borrow_and_update();
                    tokio::select! {
                        () = wait(at) => break,
                        _ = changes.changed() => {}
                    }
                }
                when.send_if_modified(|at| at.take().is_some());
            }
        }
    }
}

async fn wait(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(target_os = "linux")]
mod fine {
    use std::io;
    use std::time::Instant;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::net::unix::pipe::Receiver;

    /// A `timerfd`. It is read as a pipe is, and a pipe's reader is what tokio registers without
    /// `unsafe`: eight bytes come when the time has.
    #[derive(Debug)]
    pub(super) struct Timer(Receiver);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let file = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Receiver::from_owned_fd_unchecked(file).map(Self)
        }

        pub(super) fn set(&self, at: Instant) {
            let left = at.saturating_duration_since(Instant::now());
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            // No time at all would switch it off.
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().max(1).into(),
            };
            let setting = Itimerspec { it_interval: never, it_value: value };
            // It fails for a bad file or a bad time only, and both are made here.
            let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &setting);
        }

        pub(super) async fn expired(&self) {
            let mut count = [0; 8];
            while self.0.readable().await.is_ok() {
                if self.0.try_read(&mut count).is_ok() {
                    return;
                }
            }
            // The runtime ends.
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Rings a timer at several times, set in no order.
    async fn rings(timer: Timer) {
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        timer.set(after(60_000));
        timer.set(after(20));
        timer.expired().await;
        assert!(Instant::now() >= after(20));
        timer.set(begin);
        timer.expired().await;
        timer.set(after(40));
        timer.expired().await;
        assert!(Instant::now() >= after(40));
        assert!(Instant::now() < after(50_000));
    }

    #[tokio::test]
    async fn both_timers_ring_at_the_time_set_last() {
        rings(Timer::new()).await;
        rings(Timer::coarse()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everybody_is_woken_in_time_and_nobody_early() {
        let begin = Instant::now();
        let sleepers: Vec<_> = (0..500_u64)
            .map(|n| {
                tokio::spawn(async move {
                    let at = begin + Duration::from_micros(7919 * n % 50_000);
                    sleep_until(at).await;
                    assert!(Instant::now() >= at);
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert!(Alarm::of_this_runtime().waiting().is_empty());
    }

    #[tokio::test]
    async fn one_that_is_moved_or_dropped_is_forgotten() {
        let far = Instant::now() + Duration::from_secs(600);
        let mut sleep = sleep_until(far);
        assert!(futures_util::poll!(&mut sleep).is_pending());
        let alarm = Alarm::of_this_runtime();
        assert_eq!(alarm.waiting().len(), 1);
        sleep.reset(Instant::now() + Duration::from_millis(5));
        assert!(alarm.waiting().is_empty());
        (&mut sleep).await;
        sleep.reset(far);
        assert!(futures_util::poll!(&mut sleep).is_pending());
        drop(sleep);
        assert!(alarm.waiting().is_empty());
    }

    #[test]
    fn each_runtime_has_its_own() {
        for _ in 0..3 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(sleep_until(Instant::now() + Duration::from_millis(2)));
        }
    }
}

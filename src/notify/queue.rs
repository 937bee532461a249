//! The queue before the notifiers: evaluation hands over and goes on, one thread tells.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use super::{Notifier, open};
use crate::base::Books;
use crate::model::Transition;
use crate::rule::{Action, Alarm};

/// Notifications that may wait: at a kilobyte each a megabyte; 1,000 webhooks that time out take hours anyway.
pub const QUEUE_MAX: usize = 1_000;
/// How long the end of a run waits for the notifications that are left.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// All notifiers of a run, on a thread of their own, one notification after the other in the order of handing over.
///
/// Books: "notified" counts what arrived; what did not is dropped, under the notifier's name or "notification queue".
pub struct Queue {
    places: HashMap<Action, usize>,
    sender: SyncSender<Job>,
    progress: Arc<Progress>,
    /// Ends when the thread does.
    ended: Receiver<()>,
    books: Arc<Books>,
}

struct Job {
    notifier: usize,
    transition: Arc<Transition>,
}

#[derive(Default)]
struct Progress {
    /// Handed over, and neither told nor failed yet.
    waiting: AtomicU64,
    abandoned: AtomicBool,
}

impl Queue {
    /// Opens the notifiers of all actions of `alarms`, each once, and starts their thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn open(alarms: &[Alarm], books: &Arc<Books>) -> io::Result<Queue> {
        let all = alarms.iter().flat_map(|alarm| {
            [&alarm.alarm_actions, &alarm.ok_actions, &alarm.insufficient_data_actions].into_iter().flatten()
        });
        let (mut places, mut notifiers) = (HashMap::new(), Vec::new());
        for action in all {
            if !places.contains_key(action) {
                places.insert(action.clone(), notifiers.len());
                notifiers.push(open(action, books));
            }
        }
        Queue::start(places, notifiers, QUEUE_MAX, books)
    }

    fn start(
        places: HashMap<Action, usize>,
        notifiers: Vec<Box<dyn Notifier>>,
        queue_max: usize,
        books: &Arc<Books>,
    ) -> io::Result<Queue> {
        let (sender, jobs) = mpsc::sync_channel(queue_max);
        let (ending, ended) = mpsc::channel();
        let progress = Arc::new(Progress::default());
        let (for_thread, books_of_thread) = (Arc::clone(&progress), Arc::clone(books));
        thread::Builder::new().name("notify".into()).spawn(move || {
            tell_all(&jobs, notifiers, &for_thread, &books_of_thread);
            drop(ending);
        })?;
        Ok(Queue { places, sender, progress, ended, books: Arc::clone(books) })
    }

    /// Hands `transition` over for everybody whom `alarm` tells of its current state. Never waits: what does not fit
    /// into the queue is lost, counted and said.
    pub fn tell(&self, alarm: &Alarm, transition: &Transition) {
        let actions = alarm.actions(transition.current);
        if actions.is_empty() {
            return;
        }
        let transition = Arc::new(transition.clone());
        for action in actions {
            let Some(&notifier) = self.places.get(action) else { continue };
            self.progress.waiting.fetch_add(1, Ordering::AcqRel);
            let job = Job { notifier, transition: Arc::clone(&transition) };
            if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.sender.try_send(job) {
                self.progress.waiting.fetch_sub(1, Ordering::AcqRel);
                self.lost(1, &format_args!("{action}: the queue is full: notification lost"));
            }
        }
    }

    /// Tells what is left, for at most `limit`; what is not told by then is lost, counted and said.
    pub fn close(self, limit: Duration) {
        let Queue { sender, progress, ended, books, places } = self;
        // The thread ends when the queue is empty.
        drop(sender);
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            progress.abandoned.store(true, Ordering::Release);
            let left = progress.waiting.load(Ordering::Acquire);
            let message =
                format!("{left} notifications not delivered within {} s: lost", limit.as_secs_f64());
            lost(&books, left, &message);
        }
        drop(places);
    }

    fn lost(&self, notifications: u64, message: &dyn std::fmt::Display) {
        lost(&self.books, notifications, message);
    }
}

fn lost(books: &Books, notifications: u64, message: &dyn std::fmt::Display) {
    books.dropped("notification queue", notifications);
    books.warn("notification queue", message);
}

/// The thread: until the queue is closed and empty, or nobody waits for it any more.
fn tell_all(jobs: &Receiver<Job>, mut notifiers: Vec<Box<dyn Notifier>>, progress: &Progress, books: &Books) {
    for job in jobs {
        if progress.abandoned.load(Ordering::Acquire) {
            return;
        }
        let notifier = &mut notifiers[job.notifier];
        match notifier.notify(&job.transition) {
            Ok(()) => books.count("notified", 1),
            Err(error) => {
                books.dropped(notifier.name(), 1);
                let alarm = &job.transition.alarm_name;
                books.warn("notification", &format_args!("alarm \"{alarm}\" not delivered: {error}"));
            }
        }
        progress.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::NotifyError;
    use crate::notify::testing::transition;
    use crate::rule::{Checks, read};
    use serde_json::json;
    use std::sync::Mutex;
    use std::sync::mpsc::Sender;

    const WAIT: Duration = Duration::from_secs(10);

    /// Says that it begins, waits for leave, and remembers or fails.
    struct Slow {
        begun: Sender<()>,
        leave: Receiver<()>,
        told: Arc<Mutex<Vec<String>>>,
    }

    impl Notifier for Slow {
        fn name(&self) -> &str {
            "slow"
        }

        fn notify(&mut self, transition: &Transition) -> Result<(), NotifyError> {
            self.begun.send(()).unwrap();
            let _ = self.leave.recv();
            if transition.alarm_name == "bad" {
                return Err(NotifyError::Refused { url: "slow".into(), status: 404 });
            }
            self.told.lock().unwrap().push(transition.alarm_name.clone());
            Ok(())
        }
    }

    struct Scene {
        queue: Queue,
        alarm: Alarm,
        begun: Receiver<()>,
        leave: Option<Sender<()>>,
        told: Arc<Mutex<Vec<String>>>,
        books: Arc<Books>,
    }

    /// A queue for `queue_max` notifications before one slow notifier.
    fn scene(queue_max: usize) -> Scene {
        let yaml = "- {name: a, alarm_actions: [log:], threshold_rule: {meter_name: cpu, threshold: 1}}";
        let checks = Checks { aggregation_method: &|_| Ok(()), query: &|_| Ok(()) };
        let alarm = read("r", yaml, &checks).unwrap().remove(0);
        let (begins, begun) = mpsc::channel();
        let (leave, leaves) = mpsc::channel();
        let told = Arc::new(Mutex::new(Vec::new()));
        let slow = Slow { begun: begins, leave: leaves, told: Arc::clone(&told) };
        let books = Arc::new(Books::new("t", None, true));
        let places = HashMap::from([(alarm.alarm_actions[0].clone(), 0)]);
        let queue = Queue::start(places, vec![Box::new(slow)], queue_max, &books).unwrap();
        Scene { queue, alarm, begun, leave: Some(leave), told, books }
    }

    fn named(name: &str) -> Transition {
        Transition { alarm_name: name.to_owned(), ..transition() }
    }

    #[test]
    fn notifications_arrive_in_order_and_the_end_waits_for_them() {
        let mut scene = scene(10);
        for name in ["a", "bad", "b", "c"] {
            scene.queue.tell(&scene.alarm, &named(name));
        }
        drop(scene.leave.take());
        scene.queue.close(WAIT);
        assert_eq!(*scene.told.lock().unwrap(), ["a", "b", "c"]);
        assert_eq!(scene.books.to_json()["notified"], json!(3));
        assert_eq!(scene.books.to_json()["dropped"], json!({"slow": 1}));
    }

    #[test]
    fn a_slow_notifier_never_stops_the_evaluation() {
        let mut scene = scene(2);
        scene.queue.tell(&scene.alarm, &named("a"));
        scene.begun.recv_timeout(WAIT).unwrap();
        // One is being told, two wait, two do not fit.
        for name in ["b", "c", "d", "e"] {
            scene.queue.tell(&scene.alarm, &named(name));
        }
        assert_eq!(scene.books.to_json()["dropped"], json!({"notification queue": 2}));
        drop(scene.leave.take());
        scene.queue.close(WAIT);
        assert_eq!(*scene.told.lock().unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_left_at_the_deadline_is_counted_as_lost() {
        let scene = scene(10);
        for name in ["a", "b", "c"] {
            scene.queue.tell(&scene.alarm, &named(name));
        }
        scene.begun.recv_timeout(WAIT).unwrap();
        scene.queue.close(Duration::from_millis(20));
        assert_eq!(scene.books.to_json()["dropped"], json!({"notification queue": 3}));
    }

    #[test]
    fn only_the_actions_of_the_new_state_are_told() {
        let mut scene = scene(10);
        scene.queue.tell(&scene.alarm, &Transition { current: crate::model::AlarmState::Ok, ..named("a") });
        drop(scene.leave.take());
        scene.queue.close(WAIT);
        assert!(scene.told.lock().unwrap().is_empty());
    }
}

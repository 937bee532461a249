//! Processors and the scheduler: `/proc/stat`.
//!
//! The kernel counts ticks (usually 10 ms); they are reported in nanoseconds, as Ceilometer's `compute.node.cpu.*.time`.
//! The shares of time (`hardware.cpu.util`, `hardware.system_stats.cpu.idle`) are taken between two rounds of the same
//! pollster, so that the first round, and `--once`, have none: the alternative, the mean since boot, would mislead.
//! SNMP agents did the same over a minute of their own. `hardware.cpu.util` was SNMP's `ssCpuUser` there, user time
//! alone; here it is what its documentation promises: everything but idle and waiting for I/O.

use procfs::prelude::*;
use procfs::{CpuTime, KernelStats};
use serde_json::Number;

use super::report::{Column, Report, Roots, Unreadable, cumulative, gauge, whole};

pub(super) const COLUMNS: &[Column<Processors>] = &[
    gauge(
        "hardware.cpu.util",
        "%",
        "time spent working since the round before, not idle nor waiting for I/O",
        |row| Number::from_f64(row.since?.busy_percent()?),
    ),
    gauge("hardware.system_stats.cpu.idle", "%", "time spent idle since the round before", |row| {
        Number::from_f64(row.since?.idle_percent()?)
    }),
    gauge("hardware.cpu.number", "cpu", "processors online", |row| whole(row.stats.cpu_time.len() as u64)),
    cumulative("hardware.cpu.time", "ns", "time spent working in all modes but idle and iowait", |row| {
        row.time(Spent::of(&row.stats.total).busy)
    }),
    cumulative("hardware.cpu.user.time", "ns", "time in user mode, guests included", |row| {
        row.time(row.stats.total.user)
    }),
    cumulative(
        "hardware.cpu.nice.time",
        "ns",
        "time in user mode at low priority, niced guests included",
        |row| row.time(row.stats.total.nice),
    ),
    cumulative("hardware.cpu.system.time", "ns", "time in the kernel", |row| {
        row.time(row.stats.total.system)
    }),
    cumulative("hardware.cpu.idle.time", "ns", "time with nothing to do", |row| {
        row.time(row.stats.total.idle)
    }),
    cumulative(
        "hardware.cpu.iowait.time",
        "ns",
        "time idle while a task waited for I/O; may step back",
        |row| row.time(row.stats.total.iowait?),
    ),
    cumulative("hardware.cpu.irq.time", "ns", "time in hardware interrupts", |row| {
        row.time(row.stats.total.irq?)
    }),
    cumulative("hardware.cpu.softirq.time", "ns", "time in software interrupts", |row| {
        row.time(row.stats.total.softirq?)
    }),
    cumulative("hardware.cpu.steal.time", "ns", "time that the hypervisor gave to others", |row| {
        row.time(row.stats.total.steal?)
    }),
    cumulative("hardware.cpu.guest.time", "ns", "time running guests, part of user", |row| {
        row.time(row.stats.total.guest?)
    }),
    cumulative("hardware.cpu.guest_nice.time", "ns", "time running niced guests, part of nice", |row| {
        row.time(row.stats.total.guest_nice?)
    }),
    cumulative("hardware.system_stats.context_switches", "switch", "context switches", |row| {
        whole(row.stats.ctxt)
    }),
    cumulative("hardware.process.created", "process", "processes and threads created", |row| {
        whole(row.stats.processes)
    }),
    gauge("hardware.process.running", "process", "threads running or ready to run", |row| {
        whole(row.stats.procs_running?.into())
    }),
    gauge("hardware.process.blocked", "process", "threads waiting for I/O", |row| {
        whole(row.stats.procs_blocked?.into())
    }),
];

/// What all processors did, in whole and since the round before.
pub(super) struct Processors {
    stats: KernelStats,
    since: Option<Spent>,
    ticks_per_second: u64,
}

impl Processors {
    /// Ticks as nanoseconds; 584 years of processor time fit.
    fn time(&self, ticks: u64) -> Option<Number> {
        let time_ns =
            u128::from(ticks).saturating_mul(1_000_000_000).checked_div(self.ticks_per_second.into())?;
        whole(u64::try_from(time_ns).unwrap_or(u64::MAX))
    }
}

/// Ticks of all processors together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent {
    busy: u64,
    idle: u64,
    iowait: u64,
}

impl Spent {
    fn of(time: &CpuTime) -> Spent {
        // Guests are left out: they are counted within user and nice.
        let modes = [Some(time.user), Some(time.nice), Some(time.system), time.irq, time.softirq, time.steal];
        let busy = modes.into_iter().flatten().fold(0, u64::saturating_add);
        Spent { busy, idle: time.idle, iowait: time.iowait.unwrap_or(0) }
    }

    /// What was spent since `before`; a counter that stepped back (iowait does, and idle when a processor goes
    /// offline) stood still.
    fn since(self, before: Spent) -> Spent {
        Spent {
            busy: self.busy.saturating_sub(before.busy),
            idle: self.idle.saturating_sub(before.idle),
            iowait: self.iowait.saturating_sub(before.iowait),
        }
    }

    fn busy_percent(self) -> Option<f64> {
        self.percent(self.busy)
    }

    fn idle_percent(self) -> Option<f64> {
        self.percent(self.idle)
    }

    /// `None` when no tick has passed.
    fn percent(self, part: u64) -> Option<f64> {
        let all = self.busy as f64 + self.idle as f64 + self.iowait as f64;
        (all > 0.0).then(|| part as f64 / all * 100.0)
    }
}

/// Reports the processors, and keeps in `last` what they have done by now.
pub(super) fn poll(roots: &Roots, last: &mut Option<Spent>, report: &mut Report<'_>) {
    let wanted = report.wanted(COLUMNS);
    if wanted.is_empty() {
        return;
    }
    if let Some(stats) = report.read(&roots.proc.join("stat"), parse) {
        let now = Spent::of(&stats.total);
        let since = last.replace(now).map(|before| now.since(before));
        report.host(&wanted, &Processors { stats, since, ticks_per_second: procfs::ticks_per_second() });
    }
}

fn parse(text: &str) -> Result<KernelStats, Unreadable> {
    Ok(KernelStats::from_buf_read(text.as_bytes(), procfs::current_system_info())?)
}

#[cfg(test)]
mod tests {
    use super::super::report::capture::{recorded, volumes};
    use super::*;

    #[test]
    fn ticks_become_nanoseconds_and_guests_count_once() {
        let stats = parse(
            "cpu  1000 20 300 4000 50 6 7 80 900 10\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1 1 1\n\
                           ctxt 11\nbtime 12\nprocesses 13\nprocs_running 2\nprocs_blocked 0\n",
        );
        let volumes =
            volumes(COLUMNS, &Processors { stats: stats.unwrap(), since: None, ticks_per_second: 100 });
        // 1000 + 20 + 300 + 6 + 7 + 80 ticks of 10 ms.
        assert_eq!(volumes["hardware.cpu.time"], "14130000000");
        assert_eq!(volumes["hardware.cpu.user.time"], "10000000000");
        assert_eq!(volumes["hardware.cpu.guest.time"], "9000000000");
        assert_eq!(volumes["hardware.cpu.number"], "2");
        assert_eq!(volumes["hardware.process.running"], "2");
        assert!(!volumes.contains_key("hardware.cpu.util"));
    }

    #[test]
    fn a_recorded_file_is_read_whole() {
        let row = Processors { stats: parse(&recorded("stat")).unwrap(), since: None, ticks_per_second: 100 };
        let volumes = volumes(COLUMNS, &row);
        assert_eq!(volumes.len(), COLUMNS.len() - 2, "all but the two shares");
        assert_eq!(volumes["hardware.cpu.number"], "2");
        // (70227 + 0 + 10537 + 0 + 226 + 3531) ticks of 10 ms.
        assert_eq!(volumes["hardware.cpu.time"], "845210000000");
        assert_eq!(volumes["hardware.cpu.iowait.time"], "15550000000");
        assert_eq!(volumes["hardware.system_stats.context_switches"], "1083567");
        assert_eq!(volumes["hardware.process.created"], "15432");
    }

    #[test]
    fn a_share_is_of_what_passed_between_two_rounds() {
        let before = Spent { busy: 100, idle: 1000, iowait: 50 };
        let since = Spent { busy: 130, idle: 1060, iowait: 60 }.since(before);
        assert_eq!((since.busy_percent(), since.idle_percent()), (Some(30.0), Some(60.0)));
    }

    #[test]
    fn a_counter_that_steps_back_stands_still() {
        let before = Spent { busy: 100, idle: 1000, iowait: 50 };
        let since = Spent { busy: 130, idle: 1010, iowait: 10 }.since(before);
        assert_eq!((since.busy_percent(), since.idle_percent()), (Some(75.0), Some(25.0)));
        assert_eq!(before.since(before).busy_percent(), None, "nothing passed");
    }

    #[test]
    fn odd_contents_are_an_error() {
        for text in
            ["", "cpu  1 2\n", "cpu  -1 0 0 0\n", "cpu  1 2 3 4\n", "cpu 99999999999999999999 0 0 0\n"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}

//! Memory and swap: `/proc/meminfo`.
//!
//! Read by a parser of our own: that of `procfs` 0.18 asks for lines that containers (lxcfs, gVisor) do not show, and
//! panics on a name that ends in a character of several bytes. KB are 1024 bytes, as everywhere in this file of the
//! kernel and in SNMP. `hardware.memory.used` is what Ceilometer reported, all that is not free: buffers and cache
//! included. What programs can still get is `hardware.memory.available`.

use super::report::{Column, Report, Roots, Unreadable, gauge, whole};

pub(super) const COLUMNS: &[Column<Memory>] = &[
    gauge("hardware.memory.total", "KB", "memory the kernel can use", |row| whole(row.total?)),
    gauge("hardware.memory.used", "KB", "memory that is not free, buffers and cache included", |row| {
        whole(row.total?.saturating_sub(row.free?))
    }),
    gauge("hardware.memory.available", "KB", "memory that programs could get without swapping", |row| {
        whole(row.available?)
    }),
    gauge("hardware.memory.buffer", "KB", "buffers of block devices", |row| whole(row.buffers?)),
    gauge("hardware.memory.cached", "KB", "pages of files in memory", |row| whole(row.cached?)),
    gauge("hardware.memory.swap.total", "KB", "swap space", |row| whole(row.swap_total?)),
    gauge("hardware.memory.swap.avail", "KB", "swap space that is free", |row| whole(row.swap_free?)),
    gauge("hardware.memory.swap.used", "KB", "swap space in use", |row| {
        whole(row.swap_total?.saturating_sub(row.swap_free?))
    }),
];

/// The lines of `/proc/meminfo` that are reported, in KB.
#[derive(Debug, Default)]
pub(super) struct Memory {
    total: Option<u64>,
    free: Option<u64>,
    available: Option<u64>,
    buffers: Option<u64>,
    cached: Option<u64>,
    swap_total: Option<u64>,
    swap_free: Option<u64>,
}

/// Reports memory and swap.
pub(super) fn poll(roots: &Roots, report: &mut Report<'_>) {
    let wanted = report.wanted(COLUMNS);
    if wanted.is_empty() {
        return;
    }
    if let Some(row) = report.read(&roots.proc.join("meminfo"), parse) {
        report.host(&wanted, &row);
    }
}

fn parse(text: &str) -> Result<Memory, Unreadable> {
    let mut memory = Memory::default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let field = match name {
            "MemTotal" => &mut memory.total,
            "MemFree" => &mut memory.free,
            "MemAvailable" => &mut memory.available,
            "Buffers" => &mut memory.buffers,
            "Cached" => &mut memory.cached,
            "SwapTotal" => &mut memory.swap_total,
            "SwapFree" => &mut memory.swap_free,
            _ => continue,
        };
        let kilobytes = value.trim().strip_suffix(" kB").and_then(|number| number.parse().ok());
        *field = Some(kilobytes.ok_or_else(|| Unreadable::Odd(line.to_owned()))?);
    }
    match memory.total {
        Some(_) => Ok(memory),
        None => Err(Unreadable::Odd("no line MemTotal".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::capture::{recorded, volumes};
    use super::*;

    #[test]
    fn used_is_all_that_is_not_free() {
        let text = "MemTotal: 1000 kB\nMemFree:   400 kB\nMemAvailable: 900 kB\nBuffers: 10 kB\nCached: 500 kB\n\
                    SwapCached: 3 kB\nSwapTotal: 70 kB\nSwapFree: 50 kB\nHugePages_Total: 0\n";
        let volumes = volumes(COLUMNS, &parse(text).unwrap());
        let of = |name: &str| volumes[format!("hardware.memory.{name}").as_str()].as_str();
        assert_eq!([of("total"), of("used"), of("available")], ["1000", "600", "900"]);
        assert_eq!([of("buffer"), of("cached")], ["10", "500"]);
        assert_eq!([of("swap.total"), of("swap.avail"), of("swap.used")], ["70", "50", "20"]);
    }

    #[test]
    fn a_recorded_file_is_read_whole() {
        let volumes = volumes(COLUMNS, &parse(&recorded("meminfo")).unwrap());
        assert_eq!(volumes.len(), COLUMNS.len());
        // 24682416 - 22978456.
        assert_eq!(volumes["hardware.memory.used"], "1703960");
        assert_eq!(volumes["hardware.memory.cached"], "992744");
    }

    #[test]
    fn a_line_that_is_missing_costs_its_own_meters() {
        let volumes = volumes(COLUMNS, &parse("MemTotal: 1000 kB\nMémé: 1 kB\né:\n\n").unwrap());
        assert_eq!(volumes.into_iter().collect::<Vec<_>>(), [("hardware.memory.total", "1000".to_owned())]);
    }

    #[test]
    fn odd_contents_are_an_error() {
        for text in ["", "MemTotal: 1000", "MemTotal: -1 kB", "MemTotal: 99999999999999999999 kB"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}

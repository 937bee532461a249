//! What holds for every input of a rollup, however it is cut, shuffled, repeated or rolled up twice.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::io::Write as _;
use std::thread;

use serde_json::Value;

use crate::run::{Directory, Ended, Random, Running, run, tool};

const METHODS: &str =
    "mean,sum,min,max,count,std,median,first,last,95pct,12.5pct,rate:sum,rate:min,rate:count,persec:max";

/// One sample; time in milliseconds after 10 o'clock.
#[derive(Clone, Debug)]
struct Sample {
    at_ms: i64,
    volume: f64,
    resource: usize,
    cumulative: bool,
}

impl Sample {
    fn line(&self) -> String {
        let at = chrono::DateTime::from_timestamp_millis(1_795_341_600_000 + self.at_ms).unwrap();
        format!(
            "{{\"name\":\"{}\",\"type\":\"{}\",\"unit\":\"B\",\"volume\":{},\"resource_id\":\"r{}\",\"timestamp\":\"{}\"}}\n",
            if self.cumulative { "counter" } else { "gauge" },
            if self.cumulative { "cumulative" } else { "gauge" },
            self.volume,
            self.resource,
            at.to_rfc3339()
        )
    }
}

/// `count` samples in order of time, a few a second, with gaps, ties and resets of the counters.
fn samples(random: &mut Random, count: usize) -> Vec<Sample> {
    let mut counters = [0.0; 5];
    let mut at_ms = 0;
    let made = (0..count).map(|_| {
        at_ms += [0, 1, 250, 999, 1000, 4000][random.below(6)];
        let resource = random.below(5);
        let cumulative = random.below(2) == 0;
        let step = random.below(100_000) as f64 / 7.0;
        let volume = if cumulative {
            let counter = &mut counters[resource];
            *counter = if random.below(50) == 0 { 0.0 } else { *counter + step };
            *counter
        } else {
            step - 5000.0
        };
        Sample { at_ms, volume, resource, cumulative }
    });
    made.collect()
}

fn text(samples: &[Sample]) -> String {
    samples.iter().map(Sample::line).collect()
}

fn aggregate(arguments: &[&str], input: &str) -> Ended {
    let ended = run(tool("aggregate", arguments), input.as_bytes());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended
}

#[test]
fn any_cut_of_the_input_gives_the_same_bytes() {
    let mut random = Random::new(1);
    let input = text(&samples(&mut random, 3000));
    let arguments = ["-g", "10,1m", "-a", METHODS, "--lateness", "30"];
    let expected = aggregate(&arguments, &input).stdout;
    assert!(expected.len() > 10_000);
    assert_eq!(aggregate(&arguments, &input).stdout, expected, "the same again");
    for round in 0..4 {
        // Files, cut between lines.
        let directory = Directory::new();
        let lines: Vec<&str> = input.split_inclusive('\n').collect();
        let mut cuts: Vec<usize> =
            (0..3).map(|_| random.below(lines.len() + 1)).chain([0, lines.len()]).collect();
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| lines[cut[0]..cut[1]].concat());
        let files: Vec<String> =
            pieces.enumerate().map(|(n, piece)| directory.write(&n.to_string(), piece.as_bytes())).collect();
        let mut all = arguments.to_vec();
        all.extend(files.iter().map(String::as_str));
        assert_eq!(aggregate(&all, "").stdout, expected, "files, round {round}");
        // One pipe, cut anywhere.
        let mut running = Running::start(tool("aggregate", &arguments));
        let mut stdin = running.stdin.take().unwrap();
        let mut pieces = Vec::new();
        let mut rest = input.as_bytes();
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.len().min(1 + random.below(40_000)));
            pieces.push(piece.to_vec());
            rest = tail;
        }
        let writer = thread::spawn(move || {
            for piece in pieces {
                stdin.write_all(&piece).unwrap();
                thread::yield_now();
            }
        });
        assert_eq!(running.wait().stdout, expected, "pipe, round {round}");
        writer.join().unwrap();
    }
}

#[test]
fn any_order_within_the_lateness_gives_the_same_rows() {
    let mut random = Random::new(2);
    let samples = samples(&mut random, 2000);
    let arguments = ["-g", "7,1m", "-a", METHODS, "--lateness", "60"];
    let expected = aggregate(&arguments, &text(&samples));
    assert_eq!(expected.stderr, "");
    for round in 0..6 {
        // Each is up to a minute behind the newest: what is more than a lateness apart keeps its order.
        let mut delayed: Vec<(i64, &Sample)> =
            samples.iter().map(|sample| (sample.at_ms + random.below(60_000) as i64, sample)).collect();
        random.shuffle(&mut delayed);
        delayed.sort_by_key(|(arrival_ms, _)| *arrival_ms);
        let shuffled: String = delayed.iter().map(|(_, sample)| sample.line()).collect();
        let ended = aggregate(&arguments, &shuffled);
        assert_eq!(ended.stderr, "", "round {round}");
        assert!(ended.stdout == expected.stdout, "round {round}");
    }
    // Any order at all, when nothing is ever late.
    let mut all = samples;
    random.shuffle(&mut all);
    let ended = aggregate(&["-g", "7,1m", "-a", METHODS, "--lateness", "1d"], &text(&all));
    assert!(ended.stdout == expected.stdout);
}

/// Rows by name, resource, span and granularity.
fn rows(ended: &Ended) -> BTreeMap<(String, String, i64, String), Value> {
    let mut rows = BTreeMap::new();
    for line in ended.text().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let start = chrono::DateTime::parse_from_rfc3339(&text("timestamp")).unwrap().timestamp_millis();
        let key = (text("name"), text("resource_id"), start, row["granularity"].to_string());
        let before = rows.insert(key, row["aggregates"].clone());
        assert!(before.is_none(), "two rows for one span: {line}");
    }
    rows
}

#[test]
fn coarse_rows_are_made_of_fine_ones() {
    let mut random = Random::new(3);
    // Whole numbers, so that sums are exact however they are put together.
    let mut samples = samples(&mut random, 4000);
    samples.iter_mut().for_each(|sample| sample.volume = sample.volume.round());
    let rows = rows(&aggregate(&["-g", "10,5m", "-a", "count,sum,min,max"], &text(&samples)));
    let mut coarse: BTreeMap<(String, String, i64), [f64; 4]> = BTreeMap::new();
    let numbers = |row: &Value| ["count", "sum", "min", "max"].map(|method| row[method].as_f64().unwrap());
    for ((name, resource, start, _), row) in rows.iter().filter(|(key, _)| key.3 == "10") {
        let [count, sum, min, max] = numbers(row);
        let key = (name.clone(), resource.clone(), start - start % 300_000);
        let all = coarse.entry(key).or_insert([0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY]);
        *all = [all[0] + count, all[1] + sum, all[2].min(min), all[3].max(max)];
    }
    let found: BTreeMap<_, _> = rows
        .iter()
        .filter(|(key, _)| key.3 == "300")
        .map(|((name, resource, start, _), row)| ((name.clone(), resource.clone(), *start), numbers(row)))
        .collect();
    assert!(found.len() > 50);
    assert_eq!(found, coarse);
}

/// Whether it is a counter, the resource, and the start of the span.
type Group = (bool, usize, i64);
/// Times in milliseconds, and values.
type Points = Vec<(i64, f64)>;

/// A rollup as one would write it on a blackboard: all values kept, one span at a time, nothing shared with ours.
#[derive(Default)]
struct Naive {
    /// Whether it was opened late, and the points.
    open: HashMap<Group, (bool, Points)>,
    closed: Vec<(Group, Points, bool)>,
    newest: Option<i64>,
    late: usize,
}

const SPAN_MS: i64 = 10_000;
const LATENESS_MS: i64 = 3_000;

impl Naive {
    fn take(&mut self, sample: &Sample, emit: bool) {
        let start = sample.at_ms.div_euclid(SPAN_MS) * SPAN_MS;
        let complete = self.newest.map_or(i64::MIN, |newest| newest - LATENESS_MS);
        let point = (sample.at_ms, sample.volume);
        let is_late = start + SPAN_MS <= complete;
        self.late += usize::from(is_late);
        if !is_late || emit {
            let key = (sample.cumulative, sample.resource, start);
            self.open.entry(key).or_insert((is_late, Vec::new())).1.push(point);
        }
        if self.newest.is_none_or(|newest| sample.at_ms > newest) {
            self.newest = Some(sample.at_ms);
            self.close(sample.at_ms - LATENESS_MS);
        }
    }

    fn close(&mut self, complete: i64) {
        let due: Vec<_> = self.open.keys().filter(|key| key.2 + SPAN_MS <= complete).copied().collect();
        for key in due {
            let (is_late, points) = self.open.remove(&key).unwrap();
            self.closed.push((key, points, is_late));
        }
    }

    /// Rows in our order of columns, sorted.
    fn rows(mut self) -> Vec<String> {
        self.close(i64::MAX);
        let mut rows: Vec<String> = self
            .closed
            .into_iter()
            .map(|((cumulative, resource, start), mut points, is_late)| {
                points.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
                let (first, last) = (points[0].1, points[points.len() - 1].1);
                let mut values: Vec<f64> = points.iter().map(|point| point.1).collect();
                values.sort_by(f64::total_cmp);
                let count = values.len();
                // Whole numbers far below 2^53: any order of adding is exact.
                let sum: f64 = values.iter().sum();
                let position = (count - 1) as f64 * 0.9;
                let (below, above) = (position.floor() as usize, position.ceil() as usize);
                let part = position - position.floor();
                let step = values[above] - values[below];
                let pct = if part < 0.5 {
                    values[below] + step * part
                } else {
                    values[above] - step * (1.0 - part)
                };
                let mut row = String::new();
                let _ = write!(
                    row,
                    "{cumulative} r{resource} {start} {count} {sum:?} {:?} {:?} ",
                    values[0],
                    values[count - 1]
                );
                let _ = write!(row, "{first:?} {last:?} {pct:?} {:?} {is_late}", sum / count as f64);
                row
            })
            .collect();
        rows.sort();
        rows
    }
}

#[test]
fn a_naive_rollup_gives_the_same_rows_late_ones_included() {
    for (seed, emit) in [(4, false), (5, true), (6, false), (7, true)] {
        let mut random = Random::new(seed);
        let mut samples = samples(&mut random, 3000);
        samples.iter_mut().for_each(|sample| sample.volume = sample.volume.round() + 0.0);
        // Some come far too late, many a little out of order.
        let mut delayed: Vec<(i64, Sample)> = samples
            .into_iter()
            .map(|sample| {
                let delay = if random.below(20) == 0 { random.below(60_000) } else { random.below(4000) };
                (sample.at_ms + delay as i64, sample)
            })
            .collect();
        delayed.sort_by_key(|(arrival_ms, _)| *arrival_ms);
        let (mut naive, mut input) = (Naive::default(), String::new());
        for (_, sample) in &delayed {
            naive.take(sample, emit);
            input.push_str(&sample.line());
        }
        let late = naive.late;
        let arguments = [
            "-g",
            "10",
            "--lateness",
            "3",
            "-a",
            "count,sum,min,max,first,last,90pct,mean",
            "--stats",
            "-",
            "--late",
            if emit { "emit" } else { "drop" },
        ];
        let ended = aggregate(&arguments, &input);
        assert!(late > 50, "{late} late samples try nothing");
        assert_eq!(ended.books()["late"], late, "seed {seed}");
        let mut ours: Vec<String> = ended.text().lines().map(shown).collect();
        ours.sort();
        let theirs = naive.rows();
        let difference = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        assert_eq!((ours.len(), difference), (theirs.len(), None), "seed {seed}");
    }
}

/// One of our rows as [`Naive::rows`] writes them.
fn shown(line: &str) -> String {
    let row: Value = serde_json::from_str(line).unwrap();
    let start = chrono::DateTime::parse_from_rfc3339(row["timestamp"].as_str().unwrap()).unwrap();
    let of = |method: &str| row["aggregates"][method].as_f64().unwrap();
    format!(
        "{} {} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        row["name"] == "counter",
        row["resource_id"].as_str().unwrap(),
        start.timestamp_millis() - 1_795_341_600_000,
        row["aggregates"]["count"],
        of("sum"),
        of("min"),
        of("max"),
        of("first"),
        of("last"),
        of("90pct"),
        of("mean"),
        row.get("correction").is_some()
    )
}

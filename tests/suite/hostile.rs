//! Lines made to break a reader: what telemetry-aggregate makes of them is what Python makes of them, who reads with
//! another program, written by others, and every other line is rejected and counted.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::run::{Directory, Random, run, skipped, tool};

/// The documented rules in Python: of each line the sample that it is, or why it is none.
///
/// Python takes more than JSON: NaN and Infinity, and any nesting. It takes half surrogate pairs, as we do where they
/// do not matter: in a text that a sample needs they are rejected.
const ORACLE: &str = r#"
import datetime, json, math, re, sys
sys.setrecursionlimit(100000)
TIME = re.compile(r'(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?', re.ASCII)
EPOCH = datetime.datetime(1970, 1, 1)
def no(constant): raise ValueError(constant)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
class Number(float):
    def __new__(cls, text):
        self = super().__new__(cls, text)
        self.text = text
        return self
def depth(text):
    deepest = level = 0
    for c in STRING.sub('', text):
        if c in '{[': level += 1; deepest = max(deepest, level)
        elif c in '}]': level -= 1
    return deepest
def whole(text):
    if text is None: return True
    if not isinstance(text, str): return False
    try: text.encode()
    except UnicodeEncodeError: return False
    return True
def second(time):
    if isinstance(time, float):
        if not -9214560000 <= time < 9214646400: raise ValueError(time)
        # With an exponent it is read as a double, to the microsecond.
        return math.floor(round(time * 1e6) / 1e6 if 'e' in time.text.lower() else time)
    match = TIME.fullmatch(time)
    if not match: raise ValueError(time)
    y, mo, d, h, mi, s, _, sign, zh, zm = match.groups()
    s, zh, zm = int(s or 0), int(zh or 0), int(zm or 0)
    if s > 60 or zh > 23 or zm > 59 or not 1678 <= int(y) <= 2261: raise ValueError(time)
    at = datetime.datetime(int(y), int(mo), int(d), int(h), int(mi)) - EPOCH
    offset = (zh * 60 + zm) * 60 * (-1 if sign == '-' else 1)
    return at.days * 86400 + at.seconds + s - offset
rows, used, rejected, skipped, blank = {}, 0, 0, 0, 0
for line in open(sys.argv[1], 'rb').read().split(b'\n')[:-1]:
    if len(line) > 1048576: rejected += 1; continue
    if not line.strip(b' \t\r'): blank += 1; continue
    try:
        text = line.decode('utf-8').strip(' \t\r')
        record = json.loads(text, parse_constant=no, parse_int=Number, parse_float=Number)
        if not isinstance(record, dict) or depth(text) > 127: raise ValueError('no object')
    except (ValueError, RecursionError):
        rejected += 1; continue
    form = None
    if 'name' in record and 'volume' in record: form = ('name', 'volume', 'unit', 'type')
    elif 'counter_name' in record and 'counter_volume' in record: form = ('counter_name', 'counter_volume', 'counter_unit', 'counter_type')
    if not form:
        def typed(key, kind): return isinstance(record[key], kind)
        states = ('ok', 'alarm', 'insufficient data')
        if 'event_type' in record and 'traits' in record: good = typed('event_type', str) and typed('traits', list)
        elif 'oslo.message' in record: good = typed('oslo.message', str)
        elif 'event_type' in record and 'payload' in record: good = typed('event_type', str)
        elif 'granularity' in record and 'aggregates' in record: good = typed('granularity', float) and typed('aggregates', dict)
        elif 'alarm_id' in record and 'previous' in record and 'current' in record:
            good = typed('alarm_id', str) and record['previous'] in states and record['current'] in states
        else: good = False
        if good: skipped += 1
        else: rejected += 1
        continue
    name, volume, unit, kind = (record.get(key) for key in form)
    resource, time = record.get('resource_id'), record.get('timestamp')
    try:
        if isinstance(volume, str): volume = float(volume)
        if not isinstance(volume, float) or not math.isfinite(volume) or name is None: raise ValueError('volume')
        if not all(map(whole, (name, unit, kind, resource))): raise ValueError('text')
        if time is None or not isinstance(time, (str, float)): raise ValueError('time')
        start = second(time) // 60 * 60
    except ValueError:
        rejected += 1; continue
    used += 1
    rows.setdefault(json.dumps([name, unit, resource, start]), []).append(volume)
def alike(v):
    sizes = [abs(x) for x in v if x]
    return not sizes or max(sizes) / min(sizes) < 2 ** 50
table = {key: [len(v), math.fsum(v) if max(map(abs, v)) < 1e300 else None, min(v), max(v), alike(v)] for key, v in rows.items()}
print(json.dumps({'used': used, 'rejected': rejected, 'skipped': skipped, 'blank': blank, 'rows': table}))
"#;

/// Lines of one seed.
struct Hostile {
    random: Random,
    /// The keys of the line before, their order and their spaces: streams repeat their shape.
    shape: Vec<(String, &'static str)>,
}

const SPACES: [&str; 7] = ["", "", "", " ", "\t", "\r", "  \t "];

impl Hostile {
    fn line(&mut self) -> Vec<u8> {
        let bytes = match self.random.below(20) {
            0 => self.junk(),
            1 => {
                let mut line = self.record();
                line.truncate(self.random.below(line.len() + 1));
                line
            }
            2 | 3 => {
                let mut line = self.record();
                for _ in 0..1 + self.random.below(3) {
                    self.damage(&mut line);
                }
                line
            }
            _ => self.record(),
        };
        // One line is one line: what would cut it is no business of this test.
        bytes.into_iter().map(|byte| if byte == b'\n' { b' ' } else { byte }).collect()
    }

    fn junk(&mut self) -> Vec<u8> {
        let junk: [&[u8]; 22] = [
            b"",
            b" \t\r",
            b"{}",
            b"[]",
            b"null",
            b"{",
            b"}",
            b"\"",
            b"NaN",
            b"{\"a\"}",
            b"{\"a\":1,}",
            b"{,}",
            b"\xEF\xBB\xBF{}",
            b"{\"name\":\"m\" \"volume\":1}",
            b"{'name':'m'}",
            b"\x00",
            b"{\"a\":01}",
            b"{\"a\":1.}",
            b"{\"a\":.5}",
            b"{\"a\":+1}",
            b"{\"a\":0x1}",
            b"{\"a\":1}{\"a\":2}",
        ];
        junk[self.random.below(junk.len())].to_vec()
    }

    /// One byte changed, lost, doubled or made up.
    fn damage(&mut self, line: &mut Vec<u8>) {
        if line.is_empty() {
            return;
        }
        let at = self.random.below(line.len());
        let byte = *self.random.choice(&[
            &b'"', &b'\\', &b'{', &b'}', &b'[', &b']', &b',', &b':', &b' ', &b'0', &b'-', &b'e', &b'u',
            &0x00, &0x1f, &0x7f, &0x80, &0xC3, &0xED, &0xF5, &0xFF,
        ]);
        match self.random.below(4) {
            0 => line[at] = byte,
            1 => _ = line.remove(at),
            2 => line.insert(at, byte),
            _ => line.insert(at, line[at]),
        }
    }

    fn record(&mut self) -> Vec<u8> {
        // Half of the lines look like the one before, as a stream's do.
        if self.shape.is_empty() || self.random.below(2) == 0 {
            self.new_shape();
        }
        let mut line = Vec::new();
        let padding = self.space();
        line.extend_from_slice(padding.as_bytes());
        line.push(b'{');
        for (number, (key, space)) in self.shape.clone().into_iter().enumerate() {
            if number > 0 {
                line.push(b',');
            }
            let between = if self.random.below(10) == 0 { self.space() } else { "" };
            line.extend_from_slice(between.as_bytes());
            line.extend_from_slice(self.written_key(&key).as_bytes());
            line.extend_from_slice(format!("{space}:{space}").as_bytes());
            if self.random.below(20) == 0 {
                line.extend_from_slice(self.space().as_bytes());
            }
            let value = self.value_of(&key);
            line.extend_from_slice(&value);
            line.extend_from_slice(space.as_bytes());
        }
        line.push(b'}');
        line.extend_from_slice(self.space().as_bytes());
        line
    }

    fn new_shape(&mut self) {
        let counter = self.random.below(4) == 0;
        let form = |key: &str| if counter { format!("counter_{key}") } else { key.to_owned() };
        let mut keys = vec![form("name"), form("volume"), form("unit"), form("type")];
        keys.extend(["resource_id", "timestamp", "resource_metadata"].map(str::to_owned));
        for _ in 0..self.random.below(4) {
            let odd = self.random.choice(&[
                "name",
                "volume",
                "counter_name",
                "counter_volume",
                "timestamp",
                "resource_id",
                "unit",
                "x",
                "",
                "nam",
                "names",
                "event_type",
                "traits",
                "payload",
                "a key longer than thirty-two bytes, for sure",
                "oslo.message",
                "granularity",
                "aggregates",
                "alarm_id",
                "previous",
                "current",
            ]);
            keys.push(odd.to_owned());
        }
        if self.random.below(3) == 0 {
            self.random.shuffle(&mut keys);
        }
        if self.random.below(20) == 0 {
            let lost = self.random.below(keys.len());
            keys.remove(lost);
        }
        let space = self.space();
        self.shape = keys.into_iter().map(|key| (key, space)).collect();
    }

    fn space(&mut self) -> &'static str {
        SPACES[self.random.below(SPACES.len())]
    }

    fn written_key(&mut self, key: &str) -> String {
        if self.random.below(12) > 0 {
            return format!("\"{key}\"");
        }
        let at = self.random.below(key.len() + 1);
        let escaped: String = key
            .bytes()
            .enumerate()
            .map(|(n, byte)| if n == at { format!("\\u{byte:04X}") } else { char::from(byte).to_string() })
            .collect();
        format!("\"{escaped}\"")
    }

    fn value_of(&mut self, key: &str) -> Vec<u8> {
        if self.spoils() {
            return self.anything(0);
        }
        match key.trim_start_matches("counter_") {
            "name" | "unit" | "resource_id" => self.text(),
            "volume" => self.number(),
            "type" => {
                self.random.choice(&["\"gauge\"", "\"delta\"", "\"cumulative\"", "\"odd\"", "null"]).into()
            }
            "timestamp" => self.timestamp(),
            "resource_metadata" => {
                let decoy = "{\"name\":\"decoy\",\"volume\":9,\"timestamp\":\"2026-11-22T10:00:00Z\",\"s\":\"\\\"volume\\\":7}\"}";
                if self.random.below(2) == 0 { decoy.into() } else { self.anything(0) }
            }
            _ => self.anything(0),
        }
    }

    /// Whether it is time for something that spoils a line: there are many places for it in each.
    fn spoils(&mut self) -> bool {
        self.random.below(60) == 0
    }

    fn text(&mut self) -> Vec<u8> {
        let bad: [&[u8]; 5] =
            [b"\"\\ud83d\"", b"\"\\ude00\\ud83d\"", b"\"a\tb\"", b"\"\\u12\"", b"\"\xC0\xAF\""];
        if self.spoils() {
            return bad[self.random.below(bad.len())].to_vec();
        }
        let text: [&[u8]; 13] = [
            b"\"cpu\"",
            b"\"cpu\"",
            b"\"cpu\"",
            b"\"c\\u0070u\"",
            b"\"\"",
            b"null",
            "\"é\"".as_bytes(),
            b"\"\\u00e9\"",
            b"\"\\u00E9\"",
            "\"\u{1F600}\"".as_bytes(),
            b"\"\\ud83d\\ude00\"",
            b"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
            b"\"{\\\"name\\\":1}\"",
        ];
        text[self.random.below(text.len())].to_vec()
    }

    fn number(&mut self) -> Vec<u8> {
        if self.spoils() {
            let bad = [
                "1e400",
                "-1e400",
                "NaN",
                "Infinity",
                "-Infinity",
                "-",
                "1.",
                "1e",
                "01",
                "\"1\"",
                "true",
                "null",
                "1e+",
            ];
            return self.random.choice(&bad).into();
        }
        match self.random.below(8) {
            0 => {
                let odd = [
                    "0",
                    "-0",
                    "-0.0",
                    "1e3",
                    "1E+3",
                    "1e-400",
                    "1.7976931348623157e308",
                    "123456789012345678901234567890",
                    "0.1",
                    "9007199254740993",
                    "5e-324",
                    "2.2250738585072011e-308",
                    "0.30000000000000004",
                    "1.00000000000000000000000000000000000000000001",
                    "12345678.123456789123456789",
                ];
                self.random.choice(&odd).into()
            }
            1 => {
                let most = if self.spoils() { 400 } else { 300 };
                "9".repeat(1 + self.random.below(most)).into_bytes()
            }
            2 => format!("{}", f64::from_bits(self.random.bits() >> 2 | 1 << 60)).into_bytes(),
            _ => format!("{}.{}", self.random.below(1000), self.random.below(1000)).into_bytes(),
        }
    }

    fn timestamp(&mut self) -> Vec<u8> {
        let (minute, second) = (self.random.below(60), self.random.below(60));
        let time = match if self.spoils() { 9 } else { self.random.below(9) } {
            0 => format!("\"2026-11-22 10:{minute:02}:{second:02}\""),
            1 => format!("\"2026-11-22T10:{minute:02}:{second:02}.{}\"", self.random.below(1_000_000)),
            2 => format!("\"2026-11-22T12:{minute:02}:{second:02}+02:00\""),
            3 => format!("\"2026-11-22t08:{minute:02}:{second:02}-0200\""),
            4 => format!("\"2026-11-22T10:{minute:02}\""),
            5 => format!("{}", 1_795_341_600 + minute * 60 + second),
            6 => format!("{}.{}", 1_795_341_600 + minute * 60 + second, self.random.below(1000)),
            7 => format!("\"2026-11-22T10:{minute:02}:{second:02},5z\""),
            8 => format!("\"2026-11-22\\u0054{:02}:{minute:02}:60\"", 9 + self.random.below(2)),
            9 => self
                .random
                .choice(&[
                    "\"\"",
                    "\"now\"",
                    "\"2026-02-30T10:00:00Z\"",
                    "\"2026-11-22T24:00:00Z\"",
                    "\"2026-11-22T10:00:61Z\"",
                    "\"2026-11-22T10:00:00.Z\"",
                    "\"2026-11-22T10:00:00+24:00\"",
                    "\"2026-11-22\"",
                    "null",
                    "[]",
                    "\"2026-11-22T10:00:00Z \"",
                    "\"\\u0660026-11-22T10:00:00Z\"",
                    "true",
                    "\"2026-11-22T10:00:00+1\"",
                ])
                .to_owned(),
            _ => format!("\"2026-11-22T10:{minute:02}:{second:02}Z\""),
        };
        time.into_bytes()
    }

    fn anything(&mut self, depth: usize) -> Vec<u8> {
        match self.random.below(if depth > 4 { 4 } else { 8 }) {
            0 => self.text(),
            1 => self.number(),
            2 if self.spoils() => self.random.choice(&["tru", "nul", "True"]).into(),
            2 => self.random.choice(&["true", "false", "null"]).into(),
            3 => b"\"volume\\\":5,\\\"name\"".to_vec(),
            4 => {
                // On both sides of the limit of nesting: the record itself is one level.
                let over = self.spoils();
                let levels = self.random.choice(if over { &[&126, &127, &200] } else { &[&3, &7, &60] });
                let (open, close) = if self.random.below(2) == 0 { ("[", "]") } else { ("{\"a\":", "}") };
                let inner = if open == "[" { "" } else { "1" };
                format!("{}{inner}{}", open.repeat(*levels), close.repeat(*levels)).into_bytes()
            }
            5 => {
                let mut list = vec![b'['];
                for number in 0..self.random.below(4) {
                    if number > 0 {
                        list.push(b',');
                    }
                    list.extend(self.anything(depth + 1));
                }
                list.push(b']');
                list
            }
            _ => {
                let mut object = vec![b'{'];
                for number in 0..self.random.below(4) {
                    if number > 0 {
                        object.push(b',');
                    }
                    object.extend(self.text().into_iter().filter(|byte| *byte != b'n'));
                    object.push(b':');
                    object.extend(self.anything(depth + 1));
                }
                object.push(b'}');
                object
            }
        }
    }
}

fn python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Our rows by name, unit, resource and second, as the oracle writes them.
fn rows(text: &str) -> BTreeMap<String, Value> {
    let lines = text.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let start =
            chrono::DateTime::parse_from_rfc3339(row["timestamp"].as_str().unwrap()).unwrap().timestamp();
        let aggregates = &row["aggregates"];
        let of = |name: &str| aggregates.get(name).cloned().unwrap_or(Value::Null);
        let key = json!([row["name"], row["unit"], row["resource_id"], start]);
        (key.to_string(), json!([of("count"), of("sum"), of("min"), of("max")]))
    });
    lines.collect()
}

/// Both read `text`; whatever they do not agree about is said.
fn agree(text: &[u8], what: &str) {
    let directory = Directory::new();
    let path = directory.write("hostile.jsonl", text);
    let theirs = Command::new("python3").args(["-c", ORACLE, &path]).output().unwrap();
    assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
    let theirs: Value = serde_json::from_slice(&theirs.stdout).unwrap();
    let ended = run(
        tool(
            "aggregate",
            &["-g", "60", "-a", "count,sum,min,max", "--lateness", "5200w", "--quiet", "--stats", "-", &path],
        ),
        b"",
    );
    let books = ended.books();
    let total = |key: &str| {
        books[key].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>()
    };
    let (read, rejected, skipped) = (books["read"].as_u64().unwrap(), total("rejected"), total("skipped"));
    let found = json!({"used": read - rejected - skipped, "rejected": rejected, "skipped": skipped});
    let count = |key: &str| theirs[key].as_u64().unwrap();
    let expected = json!({"used": count("used"), "rejected": count("rejected"), "skipped": count("skipped")});
    assert_eq!(found, expected, "{what}");
    let share = (count("used") as f64 / read as f64, count("rejected") as f64 / read as f64);
    assert!(share.0 > 0.3 && (share.1 > 0.1 || what == "shapes"), "{what}: tries too little: {share:?}");
    let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert_eq!(lines, read + count("blank"), "{what}");
    let ours = rows(ended.text());
    let theirs: BTreeMap<String, Value> = theirs["rows"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, row)| (serde_json::from_str::<Value>(key).unwrap().to_string(), row.clone()))
        .collect();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (key, row) in &theirs {
        same_numbers(&ours[key], row, &format!("{what}: {key}"));
    }
}

/// The same numbers, 1 and 1.0 being one. A sum that may have left the range is not compared; one of terms that differ
/// by more than a factor of 2^50 may be off by its last bit.
fn same_numbers(ours: &Value, theirs: &Value, what: &str) {
    let alike = theirs[4] == true;
    for (place, theirs) in theirs.as_array().unwrap()[..4].iter().enumerate() {
        let (Some(ours), Some(theirs)) = (ours[place].as_f64(), theirs.as_f64()) else {
            assert!(theirs.is_null(), "{what}: {ours} has no number {place}");
            continue;
        };
        let off = (ours - theirs).abs();
        let near = place == 1 && !alike && off <= theirs.abs() * f64::EPSILON;
        assert!(off == 0.0 || near, "{what}: {ours} is not {theirs}");
    }
}

#[test]
fn python_finds_the_same_samples_in_hostile_lines() {
    if !python() {
        return skipped("hostile lines against Python (there is no python3)");
    }
    for seed in 1..=4 {
        let mut hostile = Hostile { random: Random::new(seed * 0x9E37_79B9), shape: Vec::new() };
        let mut text = Vec::new();
        for number in 0..10_000 {
            if number == 5_000 {
                // Ten megabytes are over the limit; what comes after them is read.
                text.extend(b"{\"name\":\"");
                text.extend(vec![b'x'; 10 << 20]);
                text.extend(b"\"}\n");
            }
            text.extend(hostile.line());
            text.push(b'\n');
        }
        agree(&text, &format!("seed {seed}"));
    }
}

#[test]
fn each_shape_after_each_other_is_read_alike() {
    if !python() {
        return skipped("shapes of lines against Python (there is no python3)");
    }
    let mut shapes = Vec::new();
    for space in ["", " ", "\t "] {
        for (before, after) in [("", ""), (space, ""), ("", space), (space, space)] {
            let field = |key: &str, value: &str| format!("\"{key}\"{before}:{after}{value}");
            let (name, volume) = (field("name", "\"m\""), field("volume", "1.5"));
            let time = field("timestamp", "\"2026-11-22T10:00:00Z\"");
            let metadata = field("resource_metadata", "{\"a\": [1, {}]}");
            shapes.push(format!("{{{name},{volume},{time},{metadata}}}"));
            shapes.push(format!("{{{metadata}{space},{space}{volume}{space},{space}{time},{name}}}"));
        }
    }
    let pairs = shapes.iter().flat_map(|one| shapes.iter().map(move |other| format!("{one}\n{other}\n")));
    let text: String = pairs.collect();
    agree(text.as_bytes(), "shapes");
    let ended = run(tool("aggregate", &["-a", "count"]), text.as_bytes());
    assert!(
        ended.text().contains(&format!("\"count\":{}}}", 2 * shapes.len() * shapes.len())),
        "{}",
        ended.text()
    );
}

//! Records into a store: what becomes of resources and metrics, twice, at once, and in the wrong order.

use std::path::Path;

use serde_json::{Value, json};
use telemetry::model::Timestamp;
use telemetry::query::Filter;
use telemetry::series::Spans;
use telemetry::store::Store;
use telemetry::store::index::{MetricQuery, Page, ResourceId, ResourceQuery, Status};
use telemetry::store::measures::{Selection, Wanted};

use crate::run::{Directory, Ended, run, tool};

fn ingest(store: &Path, arguments: &[&str], input: &str) -> Ended {
    let store = store.to_str().unwrap();
    run(
        tool("aggregate", &[&["ingest", "--store", store, "--stats", "-"], arguments].concat()),
        input.as_bytes(),
    )
}

fn sample(resource: &str, name: &str, at: &str, volume: f64, metadata: Value) -> String {
    let sample = json!({
        "name": name, "type": "gauge", "unit": "u", "volume": volume, "resource_id": resource, "project_id": "p",
        "user_id": "u", "timestamp": at, "resource_metadata": metadata,
    });
    format!("{sample}\n")
}

/// Everything that a store says: resources with their history, metrics, and all that is kept of each.
fn everything(folder: &Path) -> Vec<String> {
    let store = Store::open(folder).unwrap();
    let query = ResourceQuery {
        resource_type: "generic".to_owned(),
        filter: Filter::Everything,
        history: true,
        metrics: false,
        ..ResourceQuery::default()
    };
    let mut said = Vec::new();
    for of in store.index().resources(&query).unwrap() {
        said.push(format!(
            "{} {} {:?} {:?} {} {:?} {:?}",
            of.original_id,
            of.resource_type,
            of.project_id,
            of.attributes,
            of.revision_start,
            of.revision_end,
            of.ended_at
        ));
    }
    let metrics = MetricQuery {
        filter: Filter::Everything,
        creator: None,
        status: Status::Active,
        page: Page::default(),
    };
    for metric in store.index().metrics(&metrics).unwrap() {
        let policy = &metric.archive_policy;
        let selection = Selection { methods: policy.methods().to_vec(), ..Selection::default() };
        let mut snapshot = store.snapshot().unwrap();
        let (mut spans, mut activity) = (Vec::<Spans>::new(), None);
        let wanted = [Wanted { metric: metric.number, policy }];
        snapshot.read(&wanted, &selection, |_, found| spans = found).unwrap();
        snapshot.activity(&wanted, |_, found| activity = found.horizon.newest()).unwrap();
        said.push(format!(
            "{:?} {:?} {:?} {activity:?} {spans:?}",
            metric.original_resource_id, metric.name, metric.unit
        ));
    }
    said.sort();
    said
}

#[test]
fn the_same_file_taken_in_twice_leaves_what_it_left_the_first_time() {
    let directory = Directory::new();
    let store = directory.path().join("store");
    let mut file = String::new();
    for (minute, host) in [(0, "a"), (1, "a"), (2, "b"), (3, "b"), (9, "c"), (14, "c"), (15, "d")] {
        let at = format!("2026-11-22T10:{minute:02}:00Z");
        file += &sample("vm", "cpu", &at, f64::from(minute), json!({"host": host, "display_name": "v"}));
        file += &sample("vm", "memory", &at, 7.0, json!({"host": host, "display_name": "v"}));
    }
    let first = ingest(&store, &[], &file);
    assert_eq!(first.code(), Some(0), "{first:?}");
    let books = first.books();
    assert_eq!(
        (&books["stored"], &books["metrics_created"], &books["resources_created"]),
        (&json!(14), &json!(2), &json!(1))
    );
    assert_eq!(books["resources_updated"], 3);
    let before = everything(&store);
    // Four revisions, each from when its sample was taken.
    let revisions: Vec<&String> = before.iter().filter(|line| line.starts_with("vm instance")).collect();
    assert_eq!(revisions.len(), 4, "{before:#?}");
    assert!(
        revisions.iter().any(|line| line.contains("2026-11-22T10:09:00Z") && line.contains("\"c\"")),
        "{before:#?}"
    );
    assert_eq!(ingest(&store, &[], &file).code(), Some(0));
    assert_eq!(everything(&store), before);
}

#[test]
fn several_processes_at_once_leave_what_one_would() {
    let directory = Directory::new();
    let (one, many) = (directory.path().join("one"), directory.path().join("many"));
    let file = |part: usize| -> String {
        let of = |at: usize| {
            let resource = format!("vm-{}", part * 10 + at % 7);
            let time = format!("2026-11-22T1{}:{:02}:00Z", at / 60, at % 60);
            sample(&resource, "memory", &time, at as f64, json!({"host": "h", "display_name": "n"}))
        };
        (0..200).map(of).collect()
    };
    let parts: Vec<String> = (0..4).map(file).collect();
    assert_eq!(ingest(&one, &[], &parts.concat()).code(), Some(0));
    std::thread::scope(|scope| {
        // The store is not there yet: all make it.
        let running: Vec<_> = parts.iter().map(|part| scope.spawn(|| ingest(&many, &[], part))).collect();
        for ended in running {
            let ended = ended.join().unwrap();
            assert_eq!(ended.code(), Some(0), "{ended:?}");
        }
    });
    assert_eq!(everything(&many), everything(&one));
}

#[test]
fn a_record_that_the_store_does_not_take_is_named_and_the_others_are_stored() {
    let directory = Directory::new();
    let store = directory.path().join("store");
    let fine = |at: &str| sample("vm", "cpu", at, 1.0, json!({}));
    let lines = [
        fine("2026-11-22T10:00:00Z"),
        sample("vm", &"x".repeat(300), "2026-11-22T10:00:00Z", 1.0, json!({})),
        "{\"name\":\"cpu\",\"volume\":1,\"timestamp\":\"2026-11-22T10:00:00Z\"}\n".to_owned(),
        sample("vm", "cpu", "1969-12-31T23:59:59Z", 1.0, json!({})),
        sample("", "cpu", "2026-11-22T10:00:00Z", 1.0, json!({})),
        "no record\n".to_owned(),
        fine("2199-11-22T10:05:00Z"),
        fine("2026-11-22T10:05:00Z"),
    ];
    let ended = ingest(&store, &[], &lines.concat());
    assert_eq!(ended.code(), Some(65), "{ended:?}");
    let books = ended.books();
    assert_eq!((&books["stored"], &books["read"]), (&json!(2), &json!(8)), "{books}");
    for said in [
        "-:2: ",
        "-:3: sample without resource_id",
        "-:4: a measure before 1970",
        "-:5: ",
        "-:6: not JSON",
        "-:7: 2199-11-22T10:05:00Z is too far ahead",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

#[test]
fn what_is_echoed_is_stored_and_what_is_no_sample_is_not_echoed() {
    let directory = Directory::new();
    let store = directory.path().join("store");
    let one = sample("vm", "cpu", "2026-11-22T10:00:00Z", 1.0, json!({"host": "h"}));
    let event = "{\"event_type\":\"e\",\"traits\":[]}\n";
    let refused = sample("vm", &"x".repeat(300), "2026-11-22T10:00:00Z", 1.0, json!({}));
    let ended = ingest(&store, &["--echo"], &format!("{refused}{one}{event}{refused}{one}{refused}"));
    assert_eq!((ended.code(), ended.text()), (Some(65), &*format!("{one}{one}")));
    assert_eq!(ended.books()["stored"], 2);
    assert_eq!(ended.books()["skipped"]["event"], 1);
}

#[test]
fn each_method_of_an_aggregate_is_a_metric_at_the_start_of_the_span() {
    let directory = Directory::new();
    let store = directory.path().join("store");
    let line = "{\"name\":\"load\",\"resource_id\":\"h\",\"unit\":\"process\",\"timestamp\":\"2026-11-22T10:00:00Z\",\
                \"granularity\":60,\"aggregates\":{\"mean\":1.5,\"95pct\":4}}\n";
    let ended = ingest(&store, &["--archive-policy", "medium"], line);
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    let said = everything(&store).join("\n");
    let start = Timestamp::parse(b"2026-11-22T10:00:00Z").unwrap();
    for expected in ["load@mean", "load@95pct", "values: [1.5]", "values: [4.0]", &format!("{start:?}")] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn what_is_late_is_counted_and_what_a_deleted_metric_gets_is_not_stored() {
    let directory = Directory::new();
    let store = directory.path().join("store");
    let at = |time: &str| sample("vm", "cpu", time, 1.0, json!({}));
    // The default rule gives cpu the policy low: spans of five minutes, and none older is let in.
    let lines = [at("2026-11-22T10:00:00Z"), at("2026-11-22T10:10:00Z"), at("2026-11-22T10:04:59Z")];
    let warm = ingest(&store, &[], &lines[0]);
    assert_eq!(warm.code(), Some(0));
    let ended = ingest(&store, &[], &format!("{}{}{}", lines[0], lines[1], lines[1]));
    assert_eq!((ended.code(), &ended.books()["late"]), (Some(0), &json!(0)));
    // Late by what an earlier run has stored.
    let ended = ingest(&store, &[], &lines[2]);
    assert_eq!((ended.code(), &ended.books()["late"]), (Some(0), &json!(1)));
    let opened = Store::open(&store).unwrap();
    let id = ResourceId::of("vm", None).unwrap();
    let metric = opened.index().metric_named(id.uuid(), "cpu").unwrap();
    let wanted = [Wanted { metric: metric.number, policy: &metric.archive_policy }];
    let mut late = 0;
    opened.snapshot().unwrap().activity(&wanted, |_, activity| late = activity.late).unwrap();
    assert_eq!(late, 1);
    opened.index().delete_metric(metric.id).unwrap();
    // The name is free again, and what comes is another metric's.
    assert_eq!(ingest(&store, &[], &lines[2]).books()["metrics_created"], 1);
}

#[test]
fn an_event_ends_its_resource_and_a_later_sample_begins_it_again() {
    let directory = Directory::new();
    let store = directory.path().join("store");
    let event = |event_type: &str, at: &str| {
        let traits = json!([["instance_id", 1, "vm"], ["display_name", 1, "web"], ["host", 1, "h2"]]);
        let event =
            json!({"message_id": at, "event_type": event_type, "generated": at, "traits": traits, "raw": {}});
        format!("{event}\n")
    };
    let metadata = json!({"host": "h1", "display_name": "web"});
    let at = |minute: u8| format!("2026-11-22T10:{minute:02}:00Z");
    let lines = [
        sample("vm", "cpu", &at(0), 1.0, metadata.clone()),
        event("compute.instance.delete.start", &at(10)),
        event("image.something", &at(11)),
    ];
    let ended = ingest(&store, &[], &lines.concat());
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    let books = ended.books();
    assert_eq!((&books["resources_ended"], &books["skipped"]["event"]), (&json!(1), &json!(1)), "{books}");
    let state = || {
        let store = Store::open(&store).unwrap();
        let of = store.index().resource("instance", ResourceId::of("vm", None).unwrap().uuid()).unwrap();
        (of.ended_at.map(|at| at.to_string()), format!("{:?}", of.attributes["host"]))
    };
    assert_eq!(state(), (Some(at(10)), "Text(\"h1\")".to_owned()));
    assert_eq!(ingest(&store, &[], &sample("vm", "cpu", &at(15), 1.0, metadata)).code(), Some(0));
    assert_eq!(state(), (None, "Text(\"h1\")".to_owned()));
}

#[test]
fn a_reader_of_the_echo_that_goes_away_costs_no_measure() {
    let directory = Directory::new();
    // More than a pipe holds, and several batches of it.
    let line = |point: i64| {
        let at = 1_795_341_600 + point;
        format!("{{\"name\":\"m\",\"volume\":{point},\"resource_id\":\"r\",\"timestamp\":{at}}}\n")
    };
    std::fs::write(directory.path().join("lines"), (0..150_000).map(line).collect::<String>()).unwrap();
    let script =
        "telemetry-aggregate ingest --echo --store store --stats books lines | head -n 1 > first; cat first";
    let mut command = crate::run::shell(script);
    command.current_dir(directory.path());
    let ended = run(command, b"");
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    let books: Value =
        serde_json::from_slice(&std::fs::read(directory.path().join("books")).unwrap()).unwrap();
    assert_eq!((&books["stored"], ended.text()), (&json!(150_000), &*line(0)), "{books}");
}

#[test]
fn a_store_that_cannot_be_written_can_be_read() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user here");
        return;
    }
    // A checkout in somebody's home cannot be reached by others.
    let mut version = tool("aggregate", &["--version"]);
    std::os::unix::process::CommandExt::uid(&mut version, 65534);
    if !version.output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: another user may not run the programs here");
        return;
    }
    let directory = Directory::new();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let store = directory.path().join("store");
    let line = sample("vm", "cpu", "2026-11-22T10:00:00Z", 1.5, json!({}));
    assert_eq!(ingest(&store, &[], &line).code(), Some(0));
    let path = store.to_str().unwrap();
    for arguments in [
        &["measures", "show", "cpu", "-r", "vm", "--store", path][..],
        &["status", "--store", path],
        &["check", "--store", path],
        &["metric", "list", "--store", path],
    ] {
        let mut command = tool("aggregate", arguments);
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
        let ended = run(command, b"");
        assert_eq!(ended.code(), Some(0), "{arguments:?}: {ended:?}");
    }
    let mut command = tool("aggregate", &["ingest", "--store", path]);
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    let refused = run(command, line.as_bytes());
    assert_eq!(refused.code(), Some(77), "{refused:?}");
}

#[test]
fn points_without_their_index_do_not_become_those_of_other_metrics() {
    let directory = Directory::new();
    let store = directory.path().join("store");
    let line = sample("vm", "cpu", "2026-11-22T10:00:00Z", 1.5, json!({}));
    assert_eq!(ingest(&store, &[], &line).code(), Some(0));
    std::fs::remove_file(store.join("index.sqlite")).unwrap();
    let ended = ingest(&store, &[], &line);
    assert_eq!(ended.code(), Some(74), "{ended:?}");
    assert!(!store.join("index.sqlite").exists());
}

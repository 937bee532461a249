complete -c telemetry-aggregate -s g -l granularity -d 'Lengths of the spans: seconds, 5m, 1h30m or H:MM:SS; several in one pass' -r
complete -c telemetry-aggregate -s a -l aggregation -d 'What to compute: mean, sum, min, max, count, std, median, first, last, Npct' -r
complete -c telemetry-aggregate -l by -d 'Group by these keys: top-level, or dotted as resource_metadata.flavor.name' -r
complete -c telemetry-aggregate -l lateness -d 'Keep a span open until a timestamp this much after its end was seen' -r
complete -c telemetry-aggregate -l late -d 'What to do with samples that come after their span was closed' -r -f -a "drop\t'Count and drop them'
emit\t'Count them and print rows of them alone, marked "correction"'"
complete -c telemetry-aggregate -l plot -d 'Draw a METHOD of each series in the terminal instead of printing rows' -r
complete -c telemetry-aggregate -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -s V -l version -d 'Print version'

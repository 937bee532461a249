complete -c telemetry-poll -s m -l meters -d 'Only these meters: globs, and !globs that are not wanted' -r
complete -c telemetry-poll -s i -l interval -d 'Time from round to round: seconds, 5m, 1h30m or H:MM:SS' -r
complete -c telemetry-poll -s n -l rounds -d 'Exit after N rounds' -r
complete -c telemetry-poll -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-poll -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-poll -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-poll -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-poll -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-poll -l once -d 'Ask once and exit, as from cron'
complete -c telemetry-poll -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-poll -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-poll -s V -l version -d 'Print version'

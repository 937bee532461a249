complete -c telemetry-listen -l format -d 'What files and standard input hold' -r -f -a "jsonl\t'Records, one JSON object a line'
statsd\t'Lines of statsd; each value is a sample'
influx\t'InfluxDB\'s line protocol, times in nanoseconds'
prometheus\t'What exporters of Prometheus or OpenMetrics expose'
otlp\t'OTLP metrics in JSON'
collectd\t'The JSON of collectd\'s write_http'"
complete -c telemetry-listen -l secret-file -d 'Sign and verify with the secret in FILE, which is one line' -r -F
complete -c telemetry-listen -l unverified -d 'What to do with records that are not verified' -r -f -a "reject\t'Reject and count them'
mark\t'Take them, and say so in each: signature is unverified'
accept\t'Take them; look at no signature'"
complete -c telemetry-listen -l emit -d 'What to print of a notification: samples, events, notifications' -r -f -a "samples\t'Samples, by the meter definitions'
events\t'Events, by the event definitions'
notifications\t'The notifications themselves'"
complete -c telemetry-listen -l meter-definitions -d 'Make samples by these definitions; a folder stands for its *.yaml' -r -F
complete -c telemetry-listen -l event-definitions -d 'Make events by these definitions' -r -F
complete -c telemetry-listen -l store-raw -d 'Keep the notification itself in events of these priorities, as error' -r -f -a "audit\t'What was done'
debug\t'Of use to developers'
info\t'As usual'
warn\t'Out of the usual'
error\t'Failed'
critical\t'Failed badly'
sample\t'Samples, as Ceilometer\'s notifier sends them'"
complete -c telemetry-listen -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-listen -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-listen -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-listen -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-listen -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-listen -l drop-unmatched -d 'Make no event of a notification that no event definition takes'
complete -c telemetry-listen -l check-config -d 'Read the definitions, say all that is wrong with them, and stop'
complete -c telemetry-listen -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-listen -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-listen -s V -l version -d 'Print version'

complete -c telemetry-events -s q -l query -d 'Which events pass, as: event_type like "compute.%" and traits.vcpus >= 4' -r
complete -c telemetry-events -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-events -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-events -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-events -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-events -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-events -s v -l invert-match -d 'Pass the events that do not match instead'
complete -c telemetry-events -s e -l exit-status -d 'Exit with 3 when no event passed'
complete -c telemetry-events -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-events -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-events -s V -l version -d 'Print version'

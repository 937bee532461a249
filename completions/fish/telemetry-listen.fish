complete -c telemetry-listen -l emit -d 'What to print of a notification: samples, events, notifications' -r -f -a "samples\t'Samples, by the meter definitions'
events\t'Events, by the event definitions'
notifications\t'The notifications themselves'"
complete -c telemetry-listen -l meter-definitions -d 'Make samples by these definitions; a folder stands for its *.yaml' -r -F
complete -c telemetry-listen -l event-definitions -d 'Make events by these definitions' -r -F
complete -c telemetry-listen -l store-raw -d 'Keep the notification itself in events of these priorities, as error' -r
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

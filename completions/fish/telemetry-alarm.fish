complete -c telemetry-alarm -s r -l rules -d 'The alarms, in YAML; may be given several times; see telemetry(7), RULES' -r -F
complete -c telemetry-alarm -l lateness -d 'Keep a period open until a timestamp this much after its end was seen' -r
complete -c telemetry-alarm -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-alarm -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-alarm -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-alarm -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-alarm -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-alarm -l notify -d 'Run the actions of the alarms: log:, exec: and http(s)://'
complete -c telemetry-alarm -s e -l exit-status -d 'Exit with 3 when an alarm is in state alarm at the end'
complete -c telemetry-alarm -l check-config -d 'Read the rules, say all that is wrong with them, and stop'
complete -c telemetry-alarm -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-alarm -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-alarm -s V -l version -d 'Print version'

# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_telemetry_aggregate_global_optspecs
    string join \n g/granularity= a/aggregation= by= lateness= late= plot= o/output= columns= color= stats= quiet max-line= h/help V/version
end

function __fish_telemetry_aggregate_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_telemetry_aggregate_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_telemetry_aggregate_using_subcommand
    set -l cmd (__fish_telemetry_aggregate_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -s g -l granularity -d 'Lengths of the spans: seconds, 5m, 1h30m or H:MM:SS; several in one pass' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -s a -l aggregation -d 'What to compute: mean, sum, min, max, count, std, median, first, last, Npct' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l by -d 'Group by these keys: top-level, or dotted as resource_metadata.flavor.name' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l lateness -d 'Keep a span open until a timestamp this much after its end was seen' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l late -d 'What to do with samples that come after their span was closed' -r -f -a "drop\t'Count and drop them'
emit\t'Count them and print rows of them alone, marked "correction"'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l plot -d 'Draw a METHOD of each series in the terminal instead of printing rows' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -s V -l version -d 'Print version'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "ingest" -d 'Take samples and aggregates into a store, which is made where it is not there'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "measures" -d 'Show or add the measures of one metric'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "aggregates" -d 'Compute over the series of many metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "metric" -d 'List, show, make and remove metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "resource" -d 'List, show, make, change and remove resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "search" -d 'List the resources that satisfy a condition'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "resource-type" -d 'List, show, make, change and remove resource types'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "archive-policy" -d 'List, show, make, change and remove archive policies'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "archive-policy-rule" -d 'List, show, make, rename and remove archive policy rules'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "status" -d 'Show how much is in the store'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "check" -d 'Read every byte of the store and say what is not as it was written'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "repair" -d 'Set aside what is damaged and keep what is sound of it, while nobody else uses the store'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "compact" -d 'Put the store in order now: what can change no more is packed densely, what was deleted goes'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "export" -d 'Write the whole store as JSON lines: to keep, or for import'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "import" -d 'Make a store of what export wrote'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "serve" -d 'Serve the store over HTTP, with Gnocchi\'s API'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_needs_command" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l archive-policy -d 'Archive policy of new metrics; without it the store\'s rules choose' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l ahead -d 'Reject records that are further ahead of this host\'s clock' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l resource-definitions -d 'Types, attributes and archive policies of resources, as Ceilometer\'s gnocchi_resources.yaml' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l echo -d 'Print each record once it is safe'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand ingest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and not __fish_seen_subcommand_from show add help" -s h -l help -d 'Print help'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and not __fish_seen_subcommand_from show add help" -f -a "show" -d 'Show what is kept of a metric, the coarsest granularity first'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and not __fish_seen_subcommand_from show add help" -f -a "add" -d 'Add measures to a metric, in one call'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and not __fish_seen_subcommand_from show add help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -s r -l resource-id -d 'Resource that the metric is of: its uuid, or the id it was given' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -s a -l aggregation -d 'Aggregation method, one that the archive policy keeps: mean, max, 95pct, rate:mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l start -d 'From the span that TIME falls in: RFC 3339, seconds since 1970, now, -1h' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l stop -d 'Up to the last span that begins before TIME' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -s g -l granularity -d 'Only this granularity: seconds, 5m, 1h30m or H:MM:SS' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l resample -d 'Aggregate once more, by the same method, to longer spans: a length, or Y, H, Q, M, W' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l svg -d 'Draw the series into FILE, an SVG image, instead of printing rows; - is standard output' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l plot -d 'Draw the series in the terminal instead of printing rows'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from add" -s r -l resource-id -d 'Resource that the metric is of: its uuid, or the id it was given' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from add" -s m -l measure -d 'A measure; several may be given. Without it they are read from standard input' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from add" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from add" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from add" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from add" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show what is kept of a metric, the coarsest granularity first'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add measures to a metric, in one call'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand measures; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -s q -l search -l query -d 'Metrics of the resources that FILTER finds, by their names' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l resource-type -d 'Metrics of resources of TYPE, by their names [default with --search: generic, which is any]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l groupby -d 'One answer for each combination of values of these attributes of resources' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l start -d 'From the span that TIME falls in: RFC 3339, seconds since 1970, now, -1h' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l stop -d 'Up to the last span that begins before TIME' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -s g -l granularity -d 'Only this granularity [default: all that the series have in common]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l fill -d 'What stands where a series has no value: a number, null, dropna, ffill, bfill, full_ffill, full_bfill' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l needed-overlap -d 'Percentage of the times that all series must have, where nothing is filled' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l svg -d 'Draw the series into FILE, an SVG image, instead of printing rows; - is standard output' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l use-history -d 'Let a resource count in each group for the time that it had the group\'s values'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l plot -d 'Draw the series in the terminal instead of printing rows'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand aggregates" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and not __fish_seen_subcommand_from list show create delete help" -s h -l help -d 'Print help'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and not __fish_seen_subcommand_from list show create delete help" -f -a "list" -d 'List metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and not __fish_seen_subcommand_from list show create delete help" -f -a "show" -d 'Show a metric, and how many points came'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and not __fish_seen_subcommand_from list show create delete help" -f -a "create" -d 'Make a metric'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and not __fish_seen_subcommand_from list show create delete help" -f -a "delete" -d 'Remove metrics with their points'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and not __fish_seen_subcommand_from list show create delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -s r -l resource-id -d 'Only the metrics of this resource: its uuid, or the id it was given' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -s q -l query -d 'Only those that FILTER takes, as \'name like disk.% and unit = B\'' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l limit -d 'Print at most COUNT rows [default: all]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l marker -d 'Begin behind the row with this ID, the last of the part before' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l sort -d 'Sort by these columns, as name or started_at:desc-nullslast' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -s r -l resource-id -d 'The resource whose metric it is; without it the name must be that of one metric only' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -s a -l archive-policy-name -d 'The archive policy that says what is kept [default: what the rules say]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -s r -l resource-id -d 'The resource whose metric it is' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -s u -l unit -d 'The unit of its values' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -l creator -d 'Who makes it, as user:project [default: nobody]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -s r -l resource-id -d 'The resource whose metrics they are; without it each name must be that of one metric only' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from help" -f -a "list" -d 'List metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a metric, and how many points came'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a metric'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove metrics with their points'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand metric; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -s h -l help -d 'Print help'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "list" -d 'List resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "show" -d 'Show a resource with its metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "create" -d 'Make a resource'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "update" -d 'Change a resource; what it was is kept as its history'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "delete" -d 'Remove resources with their history, their metrics and the points of those'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "history" -d 'List what a resource is and was, the oldest first'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "search" -d 'List the resources that satisfy a condition'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "batch-delete" -d 'Remove all resources that satisfy a condition, as delete does, and print how many'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "batch" -d 'As Gnocchi\'s client writes batch-delete'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and not __fish_seen_subcommand_from list show create update delete history search batch-delete batch help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -s t -l type -d 'Only resources of this type; generic is any' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l limit -d 'Print at most COUNT rows [default: all]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l marker -d 'Begin behind the row with this ID, the last of the part before' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l sort -d 'Sort by these columns, as name or started_at:desc-nullslast' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l history -d 'Also what resources were'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l details -d 'Show all attributes of generic resources, and the metrics of each'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -s t -l type -d 'The type that it must be of; generic is any' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -s t -l type -d 'Its type' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -s a -l attribute -d 'An attribute and its value; without a colon the attribute has none' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -s m -l add-metric -d 'A metric that is there and becomes one of the resource, under this name' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -s n -l create-metric -d 'A metric to make; without a policy, with that of the rules' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -l creator -d 'Who makes it and its metrics, as user:project [default: nobody]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -s t -l type -d 'The type that it must be of; generic is any' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -s a -l attribute -d 'An attribute and its value; without a colon the attribute has none' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -s m -l add-metric -d 'A metric that is there and becomes one of the resource, under this name' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -s n -l create-metric -d 'A metric to make; without a policy, with that of the rules' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -s d -l delete-metric -d 'A metric to take from it, by name; the metric itself stays' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -s t -l type -d 'Only resources of this type; generic is any' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l limit -d 'Print at most COUNT rows [default: all]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l marker -d 'Begin behind the row with this ID, the last of the part before' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l sort -d 'Sort by these columns, as name or started_at:desc-nullslast' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l details -d 'Show all attributes of generic resources, and the metrics of each'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -s t -l type -d 'Only resources of this type; generic is any' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l limit -d 'Print at most COUNT rows [default: all]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l marker -d 'Begin behind the row with this ID, the last of the part before' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l sort -d 'Sort by these columns, as name or started_at:desc-nullslast' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l history -d 'Also what resources were'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l details -d 'Show all attributes of generic resources, and the metrics of each'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -s t -l type -d 'Only resources of this type; generic is any' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch-delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch" -s h -l help -d 'Print help'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch" -f -a "delete" -d 'Remove all resources that satisfy a condition, and print how many'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from batch" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "list" -d 'List resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a resource with its metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a resource'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "update" -d 'Change a resource; what it was is kept as its history'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove resources with their history, their metrics and the points of those'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "history" -d 'List what a resource is and was, the oldest first'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "search" -d 'List the resources that satisfy a condition'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "batch-delete" -d 'Remove all resources that satisfy a condition, as delete does, and print how many'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "batch" -d 'As Gnocchi\'s client writes batch-delete'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -s t -l type -d 'Only resources of this type; generic is any' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l limit -d 'Print at most COUNT rows [default: all]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l marker -d 'Begin behind the row with this ID, the last of the part before' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l sort -d 'Sort by these columns, as name or started_at:desc-nullslast' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l history -d 'Also what resources were'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l details -d 'Show all attributes of generic resources, and the metrics of each'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and not __fish_seen_subcommand_from list show create update delete help" -s h -l help -d 'Print help'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and not __fish_seen_subcommand_from list show create update delete help" -f -a "list" -d 'List the resource types'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and not __fish_seen_subcommand_from list show create update delete help" -f -a "show" -d 'Show a resource type'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and not __fish_seen_subcommand_from list show create update delete help" -f -a "create" -d 'Make a resource type'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and not __fish_seen_subcommand_from list show create update delete help" -f -a "update" -d 'Take attributes from a resource type, and give it others'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and not __fish_seen_subcommand_from list show create update delete help" -f -a "delete" -d 'Remove resource types that have no resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and not __fish_seen_subcommand_from list show create update delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -s a -l attribute -d 'An attribute, as host:string:true:max_length=255' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -s a -l attribute -d 'An attribute to add, as zone:string:true:fill=here' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -s r -l remove-attribute -d 'An attribute to take away first, with its values' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the resource types'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a resource type'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a resource type'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from help" -f -a "update" -d 'Take attributes from a resource type, and give it others'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove resource types that have no resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand resource-type; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and not __fish_seen_subcommand_from list show create update delete help" -s h -l help -d 'Print help'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and not __fish_seen_subcommand_from list show create update delete help" -f -a "list" -d 'List the archive policies'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and not __fish_seen_subcommand_from list show create update delete help" -f -a "show" -d 'Show an archive policy'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and not __fish_seen_subcommand_from list show create update delete help" -f -a "create" -d 'Make an archive policy'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and not __fish_seen_subcommand_from list show create update delete help" -f -a "update" -d 'Change how long an archive policy keeps spans, or how late points may come'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and not __fish_seen_subcommand_from list show create update delete help" -f -a "delete" -d 'Remove archive policies that neither metrics nor rules use'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and not __fish_seen_subcommand_from list show create update delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -s d -l definition -d 'A granularity, and how much is kept, as granularity:1m,points:60' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -s b -l back-window -d 'How many spans of the coarsest granularity before the newest still take points' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -s m -l aggregation-method -d 'What to compute; * is everything [default: mean, min, max, sum, std, count]' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -s d -l definition -d 'Each granularity that it has, and how much is kept from now on' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -s b -l back-window -d 'How many spans of the coarsest granularity before the newest still take points' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the archive policies'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show an archive policy'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make an archive policy'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from help" -f -a "update" -d 'Change how long an archive policy keeps spans, or how late points may come'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove archive policies that neither metrics nor rules use'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and not __fish_seen_subcommand_from list show create update delete help" -s h -l help -d 'Print help'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and not __fish_seen_subcommand_from list show create update delete help" -f -a "list" -d 'List the rules in the order in which they are tried'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and not __fish_seen_subcommand_from list show create update delete help" -f -a "show" -d 'Show a rule'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and not __fish_seen_subcommand_from list show create update delete help" -f -a "create" -d 'Make a rule'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and not __fish_seen_subcommand_from list show create update delete help" -f -a "update" -d 'Give a rule another name'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and not __fish_seen_subcommand_from list show create update delete help" -f -a "delete" -d 'Remove rules; metrics keep the policies that they gave'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and not __fish_seen_subcommand_from list show create update delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -s a -l archive-policy-name -d 'The archive policy that it gives' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -s m -l metric-pattern -d 'The names of the metrics it is for: a glob, as disk.*' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -s n -l name -d 'Its new name' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the rules in the order in which they are tried'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a rule'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a rule'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from help" -f -a "update" -d 'Give a rule another name'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove rules; metrics keep the policies that they gave'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand archive-policy-rule; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -l points -d 'Count points too: taken, replaced, late; reads all that can still change'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand repair" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand compact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand export" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand export" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand export" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand export" -l no-measures -d 'Leave out spans and points: what is left says what there is, not what was measured'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand export" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -s o -l output -d 'Form of the output [default: table on a terminal, else jsonl]' -r -f -a "jsonl\t'One JSON object a line'
csv\t'Comma-separated values with a header (RFC 4180)'
table\t'Aligned columns for people'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -l columns -d 'Columns of csv and table, as timestamp,aggregates.mean' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -l color -d 'When to colour a table; NO_COLOR in the environment is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l listen -d 'Listen at ADDRESS, as 127.0.0.1:8041, [::1]:8041 or host:8041' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l prefix -d 'Serve below PATH, as /gnocchi' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l auth -d 'How callers are known' -r -f -a "basic\t'By the user of basic authentication; no password is asked for, admin may do everything'
noauth\t'By X-User-Id, X-Project-Id and X-Roles, whoever sends them'
remoteuser\t'By X-Remote-User, which a web server before the service sets'
keystone\t'By a token of Keystone in X-Auth-Token, validated there as the user that OS_* names'"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l policy -d 'Rules of who may do what instead of the built-in ones: oslo.policy\'s YAML' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l max-limit -d 'Give at most COUNT rows of a list at a time' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l max-points -d 'Give at most COUNT points in an answer' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l cors-origin -d 'Let pages of ORIGIN use the service, as https://grafana.example; * is every one' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l tls-cert -d 'Speak TLS and show the certificates in FILE' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l tls-key -d 'The private key of the certificate' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l access-log -d 'Write a line for each request to FILE, in the combined form of web servers; - is standard output' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l connections -d 'Take COUNT connections at a time; the one that is idle for longest makes room' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l max-body -d 'Take bodies of at most BYTES, packed or unpacked' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l timeout -d 'Answer within SECONDS of the last byte of a request, or say that it takes too long' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l statsd -d 'Store what statsd\'s clients send to ADDRESS, as udp://127.0.0.1:8125' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l statsd-resource -d 'The resource whose metrics statsd\'s are; made where it is not there' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l statsd-creator -d 'Who makes the resource and the metrics of statsd, as USER or USER:PROJECT' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l threads -d 'Work at COUNT requests at a time' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l store -d 'The store, a folder' -r -f -a "(__fish_complete_directories)"
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l no-default-policies -d 'Begin a new store without archive policies and rules'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l trust-forwarded -d 'Believe Forwarded and X-Forwarded-*: a proxy before the service sets or removes all of them'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "ingest" -d 'Take samples and aggregates into a store, which is made where it is not there'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "measures" -d 'Show or add the measures of one metric'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "aggregates" -d 'Compute over the series of many metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "metric" -d 'List, show, make and remove metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "resource" -d 'List, show, make, change and remove resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "search" -d 'List the resources that satisfy a condition'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "resource-type" -d 'List, show, make, change and remove resource types'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "archive-policy" -d 'List, show, make, change and remove archive policies'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "archive-policy-rule" -d 'List, show, make, rename and remove archive policy rules'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "status" -d 'Show how much is in the store'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "check" -d 'Read every byte of the store and say what is not as it was written'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "repair" -d 'Set aside what is damaged and keep what is sound of it, while nobody else uses the store'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "compact" -d 'Put the store in order now: what can change no more is packed densely, what was deleted goes'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "export" -d 'Write the whole store as JSON lines: to keep, or for import'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "import" -d 'Make a store of what export wrote'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "serve" -d 'Serve the store over HTTP, with Gnocchi\'s API'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and not __fish_seen_subcommand_from ingest measures aggregates metric resource search resource-type archive-policy archive-policy-rule status check repair compact export import serve help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from measures" -f -a "show" -d 'Show what is kept of a metric, the coarsest granularity first'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from measures" -f -a "add" -d 'Add measures to a metric, in one call'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from metric" -f -a "list" -d 'List metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from metric" -f -a "show" -d 'Show a metric, and how many points came'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from metric" -f -a "create" -d 'Make a metric'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from metric" -f -a "delete" -d 'Remove metrics with their points'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "list" -d 'List resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "show" -d 'Show a resource with its metrics'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "create" -d 'Make a resource'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "update" -d 'Change a resource; what it was is kept as its history'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "delete" -d 'Remove resources with their history, their metrics and the points of those'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "history" -d 'List what a resource is and was, the oldest first'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "search" -d 'List the resources that satisfy a condition'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "batch-delete" -d 'Remove all resources that satisfy a condition, as delete does, and print how many'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource" -f -a "batch" -d 'As Gnocchi\'s client writes batch-delete'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource-type" -f -a "list" -d 'List the resource types'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource-type" -f -a "show" -d 'Show a resource type'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource-type" -f -a "create" -d 'Make a resource type'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource-type" -f -a "update" -d 'Take attributes from a resource type, and give it others'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from resource-type" -f -a "delete" -d 'Remove resource types that have no resources'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy" -f -a "list" -d 'List the archive policies'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy" -f -a "show" -d 'Show an archive policy'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy" -f -a "create" -d 'Make an archive policy'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy" -f -a "update" -d 'Change how long an archive policy keeps spans, or how late points may come'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy" -f -a "delete" -d 'Remove archive policies that neither metrics nor rules use'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy-rule" -f -a "list" -d 'List the rules in the order in which they are tried'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy-rule" -f -a "show" -d 'Show a rule'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy-rule" -f -a "create" -d 'Make a rule'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy-rule" -f -a "update" -d 'Give a rule another name'
complete -c telemetry-aggregate -n "__fish_telemetry_aggregate_using_subcommand help; and __fish_seen_subcommand_from archive-policy-rule" -f -a "delete" -d 'Remove rules; metrics keep the policies that they gave'

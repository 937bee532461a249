complete -c telemetry-publish -l input -d 'Read from here instead of standard input, as telemetry-listen would' -r
complete -c telemetry-publish -l pipeline -d 'Publish samples as the sources and sinks of Ceilometer\'s pipeline.yaml say' -r -F
complete -c telemetry-publish -l event-pipeline -d 'The same for events and Ceilometer\'s event_pipeline.yaml' -r -F
complete -c telemetry-publish -l secret-file -d 'Sign and verify with the secret in FILE, which is one line' -r -F
complete -c telemetry-publish -l unverified -d 'What to do with records that are not verified' -r -f -a "reject\t'Reject and count them'
mark\t'Take them, and say so in each: signature is unverified'
accept\t'Take them; look at no signature'"
complete -c telemetry-publish -l stats -d 'Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error' -r -F
complete -c telemetry-publish -l max-line -d 'Reject lines longer than BYTES, 262144 to 1073741824' -r
complete -c telemetry-publish -l tee -d 'Print the records too, so that the pipe can go on'
complete -c telemetry-publish -l check-config -d 'Read the pipelines, say all that is wrong with them, and stop'
complete -c telemetry-publish -l dry-run -d 'Send nothing: print where each record would go, and what would leave'
complete -c telemetry-publish -l quiet -d 'Say nothing of single records; what ends the run is still said'
complete -c telemetry-publish -s h -l help -d 'Print help (see more with \'--help\')'
complete -c telemetry-publish -s V -l version -d 'Print version'

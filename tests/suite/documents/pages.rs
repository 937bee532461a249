//! The man page of a program: name, synopsis and options by clap_mangen, everything else by hand.

use clap::Command;
use clap_mangen::Man;

/// The day of the release that the pages describe; roff wants one, and the day of a build would differ each day.
const DATE: &str = "2026-11-22";

/// The page of `command` with `part`, its hand-written sections: the first before OPTIONS, the others behind.
pub fn render(mut command: Command, part: &str) -> String {
    command.build();
    let version = format!("telemetry {}", command.get_version().unwrap_or_default());
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = Man::new(command.clone().override_usage(usage)).date(DATE).source(version).manual("Telemetry");
    let (mut head, mut options) = (Vec::new(), Vec::new());
    man.render_title(&mut head).unwrap();
    man.render_name_section(&mut head).unwrap();
    man.render_synopsis_section(&mut head).unwrap();
    man.render_options_section(&mut options).unwrap();
    let (first, others) = part.split_once("\n.SH ").expect("a part has a section behind DESCRIPTION");
    let (head, mut options) = (tidy(head), tidy(options));
    for operand in
        command.get_positionals().filter(|operand| operand.get_num_args().is_some_and(|n| n.max_values() > 1))
    {
        let name = operand.get_value_names().map_or("", |names| names[0].as_str()).replace('-', "\\-");
        options = options.replace(&format!("[\\fI{name}\\fR]\n"), &format!("[\\fI{name}\\fR]...\n"));
    }
    format!(
        ".\\\" Made of src/cli and man/parts by scripts/bless: do not edit.\n{head}{first}\n{options}.SH {others}"
    )
}

/// clap_mangen's roff as mandoc and people like it: sections of options inside OPTIONS, values as a list, no blank
/// lines, no string that each section defines anew.
fn tidy(roff: Vec<u8>) -> String {
    let roff = String::from_utf8(roff).unwrap().replace("\\*(Aq", "\\(aq");
    let roff = roff.replace(".br\n\n.br\n\\fIPossible values:\\fR\n.RS 14\n", ".RS\n");
    let mut tidy = String::new();
    let mut is_value = false;
    for line in roff.lines().map(str::trim_end) {
        match line {
            "" => tidy.push_str(".sp\n"),
            ".SH OUTPUT" => tidy.push_str(".SS Output\n"),
            ".SH RUN" => tidy.push_str(".SS Run\n"),
            ".IP \\(bu 2" => tidy.push_str(".TP 8\n"),
            line if line.starts_with(".ie ") || line.starts_with(".el ") => {}
            line if is_value => {
                let (value, meaning) = line.split_once(": ").unwrap_or((line, ""));
                tidy.push_str(&format!("\\fB{value}\\fR\n{meaning}\n"));
            }
            line => {
                tidy.push_str(line);
                tidy.push('\n');
            }
        }
        is_value = line == ".IP \\(bu 2";
    }
    tidy
}

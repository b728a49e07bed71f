//! Prints the ABI of redox_syscall as `halfcell abi --json` prints ours.
//!
//! `halfcell-upstream` prints; `halfcell-upstream texts REPOSITORY` compares the error texts and the names of the
//! kernel's schemes, which are no numbers, with the sources of halfcell.

mod description;
mod texts;
mod xxh3;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            println!("{}", description::Description::of_crate().json());
            ExitCode::SUCCESS
        }
        ["texts", repository] => {
            let differences = texts::differences(std::path::Path::new(repository));
            for line in &differences {
                println!("{line}");
            }
            ExitCode::from(u8::from(!differences.is_empty()))
        }
        _ => {
            eprintln!("usage: halfcell-upstream [texts REPOSITORY]");
            ExitCode::from(2)
        }
    }
}

//! What the ABI says in words: error texts and the names of the kernel's schemes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One line for each text that differs from halfcell's.
pub fn differences(repository: &Path) -> Vec<String> {
    let mut lines = compare("error", &upstream_errors(), &our_errors(repository));
    lines.extend(compare("scheme", &upstream_schemes(), &our_schemes(repository)));
    lines
}

fn compare(what: &str, theirs: &BTreeMap<String, String>, ours: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, text) in theirs {
        match ours.get(key) {
            None => lines.push(format!("- {what} {key} = {text}")),
            Some(other) if other != text => lines.push(format!("! {what} {key}: {text} there, {other} here")),
            Some(_) => {}
        }
    }
    for (key, text) in ours.iter().filter(|(key, _)| !theirs.contains_key(*key)) {
        lines.push(format!("+ {what} {key} = {text}"));
    }
    lines
}

/// By number. Entry 0 is "Success"; the numbers without a constant (41 and 58 have one, others not) carry a text too.
fn upstream_errors() -> BTreeMap<String, String> {
    syscall::STR_ERROR.iter().enumerate().skip(1).map(|(code, text)| (code.to_string(), text.to_string())).collect()
}

/// The rows HALFCELL_ERRNO(NAME, number, "text") of abi/error.def.
fn our_errors(repository: &Path) -> BTreeMap<String, String> {
    rows(&repository.join("abi/error.def"), "HALFCELL_ERRNO(")
        .map(|row| {
            let mut parts = row.splitn(3, ", ");
            let (_, code, text) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            (code.to_string(), unquoted(text))
        })
        .collect()
}

fn upstream_schemes() -> BTreeMap<String, String> {
    (0..=u8::MAX)
        .filter_map(syscall::GlobalSchemes::try_from_raw)
        .map(|scheme| (format!("{scheme:?}"), scheme.as_str().to_string()))
        .collect()
}

/// The rows HALFCELL_SCHEME_NAME(Variant, "name") of abi/scheme_names.def.
fn our_schemes(repository: &Path) -> BTreeMap<String, String> {
    rows(&repository.join("abi/scheme_names.def"), "HALFCELL_SCHEME_NAME(")
        .map(|row| {
            let (variant, name) = row.split_once(", ").unwrap();
            (variant.to_string(), unquoted(name))
        })
        .collect()
}

/// What stands between the macro's parentheses, for each line that starts with `start`.
fn rows<'a>(file: &Path, start: &'a str) -> impl Iterator<Item = String> + 'a {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let lines: Vec<String> = text.lines().map(str::to_string).collect();
    lines.into_iter().filter_map(move |line| {
        let inner = line.strip_prefix(start)?;
        Some(inner.strip_suffix(')').expect("a row ends its line").to_string())
    })
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("a quoted text").to_string()
}

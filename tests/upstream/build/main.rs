//! Writes the list of everything public in redox_syscall as Rust code, so that nothing can be forgotten: the names
//! come from the crate's source, the values from the compiled crate. What this program does not understand ends the
//! build.

mod items;
mod tokens;

use std::path::{Path, PathBuf};
use std::{env, fs, process::Command};

use items::{Item, Kind};

/// Public types without a layout that another program could see, and why.
const NO_LAYOUT: &[(&str, &str)] = &[
    ("Error", "Rust's error type; on the wire it is a negated number"),
    ("SenderInfo", "travels as one packed word"),
    ("DirentIter", "an iterator"),
    ("Invalid", "an error of that iterator"),
    ("DirentBuf", "a writer"),
    ("DirEntry", "an argument of that writer"),
    ("CallerCtx", "an argument inside a scheme server"),
    ("OpenResult", "a result inside a scheme server"),
    ("ReadOnly", "hardware access"),
    ("WriteOnly", "hardware access"),
    ("Pio", "hardware access"),
    ("Mmio", "hardware access"),
];

/// Public statics, and why they have no number.
const NO_NUMBER: &[(&str, &str)] = &[("STR_ERROR", "texts; main.rs compares them with abi/error.def")];

fn main() {
    println!("cargo:rerun-if-changed=build");
    let root = crate_root();
    let mut found = Vec::new();
    walk(&root.join("src/lib.rs"), &root.join("src"), "syscall", &mut found);
    check_excluded(&found);
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap()).join("description.rs");
    fs::write(out, generate(&found)).unwrap();
}

/// The directory of the redox_syscall that this build links, as cargo knows it.
fn crate_root() -> PathBuf {
    let output = Command::new(env::var_os("CARGO").unwrap())
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let path = text
        .split("\"manifest_path\":\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .find(|path| path.contains("redox_syscall-"))
        .expect("redox_syscall in cargo metadata");
    Path::new(path).parent().unwrap().to_path_buf()
}

/// Collects the items of one file and of the modules it declares.
fn walk(file: &Path, module_folder: &Path, path: &str, found: &mut Vec<Item>) {
    println!("cargo:rerun-if-changed={}", file.display());
    let source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for item in items::parse(&tokens::tokenize(&source), path, file) {
        let Kind::Module { public, ref source_path } = item.kind else {
            found.push(item);
            continue;
        };
        let (inner_file, inner_folder) = match source_path {
            Some(relative) => (file.parent().unwrap().join(relative), module_folder.to_path_buf()),
            None => {
                let flat = module_folder.join(format!("{}.rs", item.name));
                let nested = module_folder.join(&item.name);
                (if flat.exists() { flat } else { nested.join("mod.rs") }, nested)
            }
        };
        // A private module is visible through the re-export in its parent.
        let inner_path = if public { format!("{path}::{}", item.name) } else { path.to_string() };
        walk(&inner_file, &inner_folder, &inner_path, found);
    }
}

/// An exclusion that excludes nothing would hide the next type of that name.
fn check_excluded(found: &[Item]) {
    for (name, _) in NO_LAYOUT.iter().chain(NO_NUMBER) {
        assert!(found.iter().any(|item| item.name == *name), "excluded but not in the crate: {name}");
    }
}

fn generate(found: &[Item]) -> String {
    let mut code = String::from("pub fn describe(into: &mut Description) {\n");
    for item in found {
        let (name, path) = (&item.name, &item.path);
        match &item.kind {
            Kind::Constant => code += &format!("into.constant(\"{name}\", {path}::{name} as u64);\n"),
            Kind::FlagSet => code += &format!("flag_set!(into, \"{name}\", {path}::{name});\n"),
            Kind::Enum { fixed: true, variants } => {
                code += &format!("plain_type!(into, \"{name}\", {path}::{name});\n");
                for variant in variants {
                    code += &format!("into.constant(\"{name}::{variant}\", {path}::{name}::{variant} as u64);\n");
                }
            }
            Kind::Struct { fixed: true, fields } if !is_excluded(name, NO_LAYOUT) => {
                code += &format!("plain_type!(into, \"{name}\", {path}::{name});\n");
                for field in fields {
                    code += &format!("field!(into, \"{name}\", {path}::{name}, {field});\n");
                }
            }
            Kind::Struct { .. } | Kind::Enum { fixed: false, .. } => {
                assert!(is_excluded(name, NO_LAYOUT), "a public type without repr that nobody has judged: {name}");
            }
            Kind::Static => assert!(is_excluded(name, NO_NUMBER), "a public static that nobody has judged: {name}"),
            Kind::Module { .. } => unreachable!("modules are walked"),
        }
    }
    code + "}\n"
}

fn is_excluded(name: &str, list: &[(&str, &str)]) -> bool {
    list.iter().any(|(excluded, _)| *excluded == name)
}

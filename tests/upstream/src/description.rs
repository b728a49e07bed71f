//! Everything that build/main.rs found, with the values of the compiled crate.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::xxh3::xxh3_64;

#[derive(Default)]
struct Type {
    size: usize,
    align: usize,
    fields: BTreeMap<&'static str, (usize, usize)>,
}

#[derive(Default)]
pub struct Description {
    constants: BTreeMap<String, u64>,
    types: BTreeMap<&'static str, Type>,
}

impl Description {
    pub fn of_crate() -> Self {
        let mut all = Self::default();
        generated::describe(&mut all);
        all
    }

    /// The whole report; the fingerprint is taken of the same text without it.
    pub fn json(&self) -> String {
        let constants = self.constants_json();
        let types = self.types_json();
        let epoch = "\"0.7.4\"";
        let canonical = format!("{{\"constants\":{constants},\"epoch\":{epoch},\"types\":{types}}}");
        let fingerprint = xxh3_64(canonical.as_bytes());
        format!(
            "{{\"epoch\":{epoch},\"fingerprint\":\"xxh3:{fingerprint:016x}\",\"constants\":{constants},\"types\":{types}}}"
        )
    }

    fn constants_json(&self) -> String {
        object(self.constants.iter().map(|(name, value)| (name.as_str(), value.to_string())))
    }

    fn types_json(&self) -> String {
        object(self.types.iter().map(|(name, described)| {
            let fields = object(
                described
                    .fields
                    .iter()
                    .map(|(name, (offset, size))| (*name, format!("{{\"offset\":{offset},\"size\":{size}}}"))),
            );
            let Type { size, align, .. } = described;
            (*name, format!("{{\"align\":{align},\"fields\":{fields},\"size\":{size}}}"))
        }))
    }

    fn constant(&mut self, name: &str, value: u64) {
        let before = self.constants.insert(name.to_string(), value);
        assert!(before.is_none(), "two constants of one name: {name}");
    }

    fn add_type(&mut self, name: &'static str, size: usize, align: usize) {
        let before = self.types.insert(name, Type { size, align, fields: BTreeMap::new() });
        assert!(before.is_none(), "two types of one name: {name}");
    }

    fn field(&mut self, of: &str, name: &'static str, offset: usize, size: usize) {
        self.types.get_mut(of).unwrap().fields.insert(name, (offset, size));
    }
}

/// A JSON object; no name here needs escaping.
fn object<'a>(members: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut text = String::from("{");
    for (name, value) in members {
        let comma = if text.len() == 1 { "" } else { "," };
        write!(text, "{comma}\"{name}\":{value}").unwrap();
    }
    text + "}"
}

fn size_behind<T>(_: *const T) -> usize {
    std::mem::size_of::<T>()
}

macro_rules! plain_type {
    ($into:ident, $name:literal, $path:ty) => {
        $into.add_type($name, std::mem::size_of::<$path>(), std::mem::align_of::<$path>());
    };
}

macro_rules! field {
    ($into:ident, $name:literal, $path:ty, $field:ident) => {
        let place = std::mem::MaybeUninit::<$path>::uninit();
        // SAFETY: only the address of the field is formed, nothing is read.
        let size = size_behind(unsafe { std::ptr::addr_of!((*place.as_ptr()).$field) });
        $into.field($name, stringify!($field), std::mem::offset_of!($path, $field), size);
    };
}

macro_rules! flag_set {
    ($into:ident, $name:literal, $path:ty) => {
        plain_type!($into, $name, $path);
        for flag in <$path as bitflags::Flags>::FLAGS {
            $into.constant(&format!("{}::{}", $name, flag.name()), flag.value().bits() as u64);
        }
    };
}

#[allow(clippy::unnecessary_cast)]
mod generated {
    use super::{size_behind, Description};
    include!(concat!(env!("OUT_DIR"), "/description.rs"));
}

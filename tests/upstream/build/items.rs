//! The public items of a module. An item of an unknown kind panics: it could be part of the ABI.

use std::path::Path;

use crate::tokens::Token;

pub struct Item {
    pub name: String,
    /// The path of the module through which the item is visible.
    pub path: String,
    pub kind: Kind,
}

pub enum Kind {
    Constant,
    Static,
    FlagSet,
    Enum { fixed: bool, variants: Vec<String> },
    Struct { fixed: bool, fields: Vec<String> },
    Module { public: bool, source_path: Option<String> },
}

/// Macros whose calls define functions only.
const FUNCTION_MACROS: &[&str] = &["syscall", "macro_rules"];

pub fn parse(tokens: &[Token], path: &str, file: &Path) -> Vec<Item> {
    let mut cursor = Cursor { tokens, at: 0 };
    let mut items = Vec::new();
    while !cursor.done() {
        item(&mut cursor, path, file, &mut items);
    }
    items
}

fn item(cursor: &mut Cursor, path: &str, file: &Path, items: &mut Vec<Item>) {
    let attributes = cursor.attributes();
    let here = is_here(&attributes);
    let public = cursor.visibility();
    let mut keyword = cursor.word();
    if keyword == "const" && matches!(cursor.peek_word(), Some("fn" | "unsafe")) {
        keyword = cursor.word();
    }
    let add = |name: String, kind: Kind, items: &mut Vec<Item>| {
        if here {
            items.push(Item { name, path: path.to_string(), kind });
        }
    };
    match keyword.as_str() {
        "const" | "static" => {
            let name = cursor.word();
            cursor.skip_to_semicolon();
            if public {
                add(name, if keyword == "const" { Kind::Constant } else { Kind::Static }, items);
            }
        }
        "struct" | "enum" => {
            let name = cursor.word();
            let body = cursor.body();
            let fixed = attributes.iter().any(|attribute| attribute.first() == Some(&Token::Word("repr".into())));
            if public {
                let kind = if keyword == "enum" {
                    Kind::Enum { fixed, variants: variants(&body) }
                } else {
                    Kind::Struct { fixed, fields: public_fields(&body) }
                };
                add(name, kind, items);
            }
        }
        "mod" => {
            let name = cursor.word();
            if cursor.skip_semicolon() {
                let source_path = attributes.iter().find_map(|attribute| match attribute.as_slice() {
                    [Token::Word(word), Token::Mark('='), Token::Literal(text)] if word == "path" => Some(text.clone()),
                    _ => None,
                });
                add(name, Kind::Module { public, source_path }, items);
            } else {
                let body = cursor.body();
                if here && public {
                    items.extend(parse(&body, &format!("{path}::{name}"), file));
                } else if here {
                    assert!(
                        parse(&body, path, file).is_empty(),
                        "{}: a private module with public items",
                        file.display()
                    );
                }
            }
        }
        "impl" => {
            let body = cursor.body();
            let has_constant = body.windows(2).any(|pair| {
                pair == [Token::Word("pub".into()), Token::Word("const".into())]
                    && !matches!(after(&body, pair), Some(Token::Word(word)) if word == "fn" || word == "unsafe")
            });
            assert!(!has_constant || !here, "{}: associated constants are not listed yet", file.display());
        }
        "use" | "extern" | "type" => cursor.skip_to_semicolon(),
        "fn" | "trait" => drop(cursor.body()),
        "unsafe" => drop(cursor.body()),
        name => {
            // A macro call; `bitflags::bitflags!` and `bitflags!` are the same here.
            let mut name = name.to_string();
            while cursor.skip_mark(':') {
                if cursor.peek_word().is_some() {
                    name = cursor.word();
                }
            }
            assert!(cursor.skip_mark('!'), "{}: an item of an unknown kind: {name}", file.display());
            if name == "macro_rules" {
                cursor.word();
            }
            let body = cursor.body();
            if name == "bitflags" {
                add(flag_set_name(&body), Kind::FlagSet, items);
            } else {
                assert!(FUNCTION_MACROS.contains(&name.as_str()), "{}: an unknown macro: {name}", file.display());
            }
            cursor.skip_semicolon();
        }
    }
}

/// The token after a pair that `windows` found in `body`.
fn after<'a>(body: &'a [Token], pair: &[Token]) -> Option<&'a Token> {
    let offset = (pair.as_ptr() as usize - body.as_ptr() as usize) / std::mem::size_of::<Token>();
    body.get(offset + pair.len())
}

/// Whether an item exists on x86_64 outside of tests. Conditions other than those below panic.
fn is_here(attributes: &[Vec<Token>]) -> bool {
    attributes.iter().filter(|attribute| attribute.first() == Some(&Token::Word("cfg".into()))).all(|attribute| {
        let Some(Token::Group('(', condition)) = attribute.get(1) else { panic!("cfg without a condition") };
        holds(condition)
    })
}

fn holds(condition: &[Token]) -> bool {
    match condition {
        [Token::Word(word)] if word == "test" || word == "loom" => false,
        [Token::Word(word), Token::Mark('='), Token::Literal(value)] if word == "target_arch" => value == "x86_64",
        [Token::Word(word), Token::Mark('='), Token::Literal(value)] if word == "feature" => value == "userspace",
        [Token::Word(word), Token::Group('(', inner)] if word == "not" => !holds(inner),
        [Token::Word(word), Token::Group('(', inner)] if word == "any" => {
            inner.split(|token| *token == Token::Mark(',')).any(holds)
        }
        other => panic!("an unknown cfg condition: {other:?}"),
    }
}

fn variants(body: &[Token]) -> Vec<String> {
    entries(body)
        .iter()
        .map(|entry| {
            let mut cursor = Cursor { tokens: entry, at: 0 };
            cursor.attributes();
            cursor.word()
        })
        .collect()
}

fn public_fields(body: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in entries(body) {
        let mut cursor = Cursor { tokens: &entry, at: 0 };
        cursor.attributes();
        if cursor.visibility() {
            names.push(cursor.word());
        }
    }
    names
}

/// The comma-separated parts of a body, commas inside angle brackets excepted.
fn entries(body: &[Token]) -> Vec<Vec<Token>> {
    let mut parts = vec![Vec::new()];
    let mut depth = 0;
    for token in body {
        match token {
            Token::Mark('<') => depth += 1,
            Token::Mark('>') => depth -= 1,
            Token::Mark(',') if depth == 0 => {
                parts.push(Vec::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(token.clone());
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn flag_set_name(body: &[Token]) -> String {
    let mut cursor = Cursor { tokens: body, at: 0 };
    cursor.attributes();
    assert!(cursor.visibility(), "a private flag set");
    assert_eq!(cursor.word(), "struct");
    let name = cursor.word();
    drop(cursor.body());
    assert!(cursor.done(), "two flag sets in one bitflags call: {name}");
    name
}

struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Cursor<'_> {
    fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn peek_word(&self) -> Option<&str> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn word(&mut self) -> String {
        let Some(word) = self.peek_word() else { panic!("a word expected, not {:?}", self.tokens.get(self.at)) };
        let word = word.to_string();
        self.at += 1;
        word
    }

    fn skip_mark(&mut self, mark: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn skip_semicolon(&mut self) -> bool {
        self.skip_mark(';')
    }

    fn skip_to_semicolon(&mut self) {
        while !self.skip_semicolon() {
            assert!(!self.done(), "a semicolon expected");
            self.at += 1;
        }
    }

    /// The contents of the attributes in front of an item.
    fn attributes(&mut self) -> Vec<Vec<Token>> {
        let mut found = Vec::new();
        while self.skip_mark('#') {
            self.skip_mark('!');
            let Some(Token::Group('[', content)) = self.tokens.get(self.at) else { panic!("an attribute expected") };
            found.push(content.clone());
            self.at += 1;
        }
        found
    }

    /// Whether the item is `pub` without restriction.
    fn visibility(&mut self) -> bool {
        if self.peek_word() != Some("pub") {
            return false;
        }
        self.at += 1;
        let restricted = matches!(self.tokens.get(self.at), Some(Token::Group('(', _)));
        self.at += usize::from(restricted);
        !restricted
    }

    /// Skips to the next braces and returns what they hold; nothing where the item ends in a semicolon instead.
    fn body(&mut self) -> Vec<Token> {
        loop {
            assert!(!self.done(), "a body expected");
            if self.skip_semicolon() {
                return Vec::new();
            }
            self.at += 1;
            if let Token::Group('{', content) = &self.tokens[self.at - 1] {
                return content.clone();
            }
        }
    }
}

//! Rust source as a tree of tokens: enough to find items, no more.

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Word(String),
    Literal(String),
    Mark(char),
    Group(char, Vec<Token>),
}

/// Comments and blanks are gone, brackets are groups. Panics on unbalanced source, which rustc would refuse as well.
pub fn tokenize(source: &str) -> Vec<Token> {
    let characters: Vec<char> = source.chars().collect();
    let mut at = 0;
    let tokens = group(&characters, &mut at, None);
    assert_eq!(at, characters.len(), "unbalanced brackets");
    tokens
}

fn group(text: &[char], at: &mut usize, close: Option<char>) -> Vec<Token> {
    let mut tokens = Vec::new();
    while let Some(&c) = text.get(*at) {
        let next = text.get(*at + 1).copied().unwrap_or('\0');
        if Some(c) == close {
            *at += 1;
            return tokens;
        } else if c.is_whitespace() {
            *at += 1;
        } else if c == '/' && next == '/' {
            while text.get(*at).is_some_and(|&c| c != '\n') {
                *at += 1;
            }
        } else if c == '/' && next == '*' {
            block_comment(text, at);
        } else if c == '"' {
            tokens.push(Token::Literal(string(text, at)));
        } else if c == '\'' {
            quote(text, at, &mut tokens);
        } else if c.is_alphanumeric() || c == '_' {
            let start = *at;
            while text.get(*at).is_some_and(|&c| c.is_alphanumeric() || c == '_') {
                *at += 1;
            }
            tokens.push(Token::Word(text[start..*at].iter().collect()));
        } else if let Some(end) = closing(c) {
            *at += 1;
            tokens.push(Token::Group(c, group(text, at, Some(end))));
        } else {
            tokens.push(Token::Mark(c));
            *at += 1;
        }
    }
    assert!(close.is_none(), "a bracket is not closed");
    tokens
}

fn closing(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    }
}

fn block_comment(text: &[char], at: &mut usize) {
    let mut depth = 0;
    loop {
        let pair = (text[*at], text[*at + 1]);
        match pair {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                *at += 1;
                continue;
            }
        }
        *at += 2;
        if depth == 0 {
            return;
        }
    }
}

fn string(text: &[char], at: &mut usize) -> String {
    let mut content = String::new();
    *at += 1;
    while text[*at] != '"' {
        if text[*at] == '\\' {
            *at += 1;
        }
        content.push(text[*at]);
        *at += 1;
    }
    *at += 1;
    content
}

/// A character literal or a lifetime.
fn quote(text: &[char], at: &mut usize, tokens: &mut Vec<Token>) {
    if text[*at + 1] == '\\' {
        *at += 3;
        while text[*at] != '\'' {
            *at += 1;
        }
        *at += 1;
        tokens.push(Token::Literal(String::new()));
    } else if text[*at + 2] == '\'' {
        *at += 3;
        tokens.push(Token::Literal(String::new()));
    } else {
        *at += 1;
        tokens.push(Token::Mark('\''));
    }
}

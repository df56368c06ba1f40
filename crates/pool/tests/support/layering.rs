//! Whether the folders of a crate import only what stands below them.
//!
//! A crate's folders are given from the top down, in layers; folders of one layer must not know each other.
//! With such an order a circle of folders always has an import that goes up, so there is one rule: a folder
//! imports its own files and those of the layers below. The crate's root stands above all, and only wires:
//! what is in it belongs to no layer, so nothing imports it, and every other file is in a folder.
//!
//! The sources are read as text: every path that begins with `crate::` or `super::`, in a `use` or anywhere
//! else, counts as an import. Comments and literals do not. A macro that makes such a path out of parts is
//! not seen through.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

/// One file, by its path below `src/`, with slashes.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The folders of a crate from the top down, with those of one layer together.
pub(crate) type Layers<'a> = &'a [&'a [&'a str]];

/// Reads the sources of a crate and fails with all violations, if there are any.
pub(crate) fn assert_layered(src: &Path, layers: Layers<'_>) {
    let mut sources = Vec::new();
    read(src, src, &mut sources);
    assert!(sources.len() > 1, "no sources in {}", src.display());
    let found = violations(&sources, layers);
    assert!(found.is_empty(), "{} violations in {}:\n{}", found.len(), src.display(), found.join("\n"));
}

/// Reads the sources of a crate and fails with the circles of files inside a folder, but for the folders in
/// which they are inherent.
pub(crate) fn assert_no_circles_but(src: &Path, inherent: &[&str]) {
    let mut sources = Vec::new();
    read(src, src, &mut sources);
    let found = circles(&sources);
    let of_folder =
        |circle: &&String| !inherent.iter().any(|folder| circle.starts_with(&format!("{folder}/")));
    assert_eq!(found.iter().filter(of_folder).collect::<Vec<_>>(), Vec::<&String>::new());
    for folder in inherent {
        let is_there = found.iter().any(|circle| circle.starts_with(&format!("{folder}/")));
        assert!(is_there, "{folder}/ has no circle any more: do not name it");
    }
}

/// The circles of files inside a folder, each from one import that closes it.
pub(crate) fn circles(sources: &[Source]) -> Vec<String> {
    let paths: BTreeSet<&str> = sources.iter().map(|source| &source.path[..]).collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some((folder, _)) = source.path.split_once('/') else { continue };
        for name in siblings(source, folder) {
            let file = format!("{folder}/{name}.rs");
            let to = if paths.contains(&file[..]) { file } else { format!("{folder}/mod.rs") };
            if to != source.path {
                edges.entry(source.path.clone()).or_default().insert(to);
            }
        }
    }
    let mut found = BTreeSet::new();
    for (from, all) in &edges {
        for circle in all.iter().filter_map(|to| way(&edges, to, from)) {
            found.insert(format!("{from} -> {}", circle.join(" -> ")));
        }
    }
    found.into_iter().collect()
}

/// What a file imports of its own folder.
fn siblings(source: &Source, folder: &str) -> Vec<String> {
    let tokens = tokens(&source.text);
    let is_word = |at: usize, word: &str| matches!(tokens.get(at), Some((Token::Word(w), _)) if w == word);
    let is_colons = |at: usize| tokens.get(at).is_some_and(|(token, _)| *token == Token::Colons);
    let depth = path_of(&source.path).len();
    let mut found = Vec::new();
    for (at, (_, line)) in tokens.iter().enumerate() {
        let by_crate =
            is_word(at, "crate") && is_colons(at + 1) && is_word(at + 2, folder) && is_colons(at + 3);
        let by_super = depth == 2 && is_word(at, "super") && is_colons(at + 1) && !is_word(at + 2, "super");
        let inner = at > 1 && is_word(at - 2, "super");
        if by_crate || (by_super && !inner) {
            found.extend(firsts(&tokens[at + if by_crate { 4 } else { 2 }..], *line));
        }
    }
    found.into_iter().map(|import| import.first).filter(|name| name != "*").collect()
}

fn read(src: &Path, folder: &Path, into: &mut Vec<Source>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(src, &path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let parts: Vec<_> =
                path.strip_prefix(src).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
            into.push(Source { path: parts.join("/"), text: fs::read_to_string(&path).unwrap() });
        }
    }
}

/// What an import names: a folder, or something in the crate's root.
struct Import {
    first: String,
    line: usize,
}

/// Each violation in words, with file, line and rule.
pub(crate) fn violations(sources: &[Source], layers: Layers<'_>) -> Vec<String> {
    let folder_of = |source: &Source| source.path.split_once('/').map(|(folder, _)| folder.to_owned());
    let rank_of = |folder: &str| layers.iter().position(|layer| layer.contains(&folder));
    let folders: BTreeSet<String> = sources.iter().filter_map(folder_of).collect();
    let mut found = Vec::new();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut upward = Vec::new();
    for folder in folders.iter().filter(|folder| rank_of(folder).is_none()) {
        found.push(format!("{folder}/: the folder is in no layer"));
    }
    for source in sources {
        let Some(from) = folder_of(source) else {
            if source.path != "lib.rs" {
                found.push(format!("{}: only lib.rs stands outside of the folders", source.path));
            }
            continue;
        };
        for Import { first, line } in imports(source) {
            let place = format!("{}:{line}", source.path);
            if !folders.contains(&first) {
                found.push(format!("{place}: imports crate::{first}, but nothing imports the crate's root"));
                continue;
            }
            if first == from {
                continue;
            }
            edges.entry(from.clone()).or_default().insert(first.clone());
            if let (Some(own), Some(other)) = (rank_of(&from), rank_of(&first))
                && own >= other
            {
                let relation = if own == other { "is beside it" } else { "stands above it" };
                upward.push((place, from.clone(), first, relation));
            }
        }
    }
    for (place, from, to, relation) in upward {
        let circle = way(&edges, &to, &from).map_or_else(String::new, |way| {
            format!(", and closes the circle {from} -> {}", way.join(" -> "))
        });
        found.push(format!("{place}: {from} imports {to}, which {relation}{circle}"));
    }
    found
}

/// The shortest way from one folder to another over their imports.
fn way(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![from.to_owned()]]);
    let mut seen = BTreeSet::from([from.to_owned()]);
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        if last == to {
            return Some(way);
        }
        for next in edges.get(last).into_iter().flatten() {
            if seen.insert(next.clone()) {
                ways.push_back(way.iter().chain([next]).cloned().collect());
            }
        }
    }
    None
}

#[derive(PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Colons,
    Other(char),
}

fn imports(source: &Source) -> Vec<Import> {
    let tokens = tokens(&source.text);
    let is_word = |at: usize, word: &str| matches!(tokens.get(at), Some((Token::Word(w), _)) if w == word);
    let is = |at: usize, token: Token| tokens.get(at).is_some_and(|(other, _)| *other == token);
    let mut found = Vec::new();
    // The modules around this place: those of the file's path, and those that are written in it.
    let mut modules = path_of(&source.path);
    let mut open = Vec::new();
    let mut depth = 0;
    for at in 0..tokens.len() {
        let (token, line) = &tokens[at];
        match token {
            Token::Other('{') => {
                depth += 1;
                if at >= 2
                    && is_word(at - 2, "mod")
                    && let (Token::Word(name), _) = &tokens[at - 1]
                {
                    modules.push(name.clone());
                    open.push(depth);
                }
            }
            Token::Other('}') => {
                if open.last() == Some(&depth) {
                    open.pop();
                    modules.pop();
                }
                depth -= 1;
            }
            Token::Word(word) if word == "crate" && is(at + 1, Token::Colons) => {
                found.extend(firsts(&tokens[at + 2..], *line));
            }
            // The first of several in a row stands for all.
            Token::Word(word)
                if word == "super" && is(at + 1, Token::Colons) && !(at > 1 && is_word(at - 2, "super")) =>
            {
                let (mut up, mut next) = (1, at + 2);
                while is_word(next, "super") && is(next + 1, Token::Colons) {
                    (up, next) = (up + 1, next + 2);
                }
                // Otherwise it stays in its folder.
                if up >= modules.len() {
                    found.extend(firsts(&tokens[next..], *line));
                }
            }
            _ => {}
        }
    }
    found
}

/// The module that a file is.
fn path_of(path: &str) -> Vec<String> {
    let mut modules: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if modules.last().is_some_and(|last| last == "mod" || last == "lib") {
        modules.pop();
    }
    modules
}

/// The first part of the path that begins here, or of each of the paths in braces.
fn firsts(tokens: &[(Token, usize)], line: usize) -> Vec<Import> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut begins = true;
    for (token, line) in tokens.iter().map(|(token, at)| (token, (*at).max(line))) {
        match token {
            Token::Other('{') => depth += 1,
            Token::Other('}') => depth -= 1,
            Token::Other(',') if depth == 1 => begins = true,
            Token::Word(first) if begins => {
                found.push(Import { first: first.clone(), line });
                begins = false;
            }
            Token::Other('*') if begins => {
                found.push(Import { first: "*".into(), line });
                begins = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// The tokens of a source with their lines, without comments and literals.
fn tokens(text: &str) -> Vec<(Token, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let get = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        match chars[at] {
            '/' if get(at + 1) == '/' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if get(at + 1) == '*' => at = end_of_comment(&chars, at),
            '"' => at = end_of_string(&chars, at),
            '\'' if get(at + 1) == '\\' => {
                at += 3;
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            '\'' if get(at + 2) == '\'' => at += 3,
            ':' if get(at + 1) == ':' => {
                found.push((Token::Colons, line));
                at += 2;
            }
            first if first.is_alphanumeric() || first == '_' => {
                while get(at).is_alphanumeric() || get(at) == '_' {
                    at += 1;
                }
                let word: String = chars[start..at].iter().collect();
                let hashes = chars[at..].iter().take_while(|next| **next == '#').count();
                if matches!(&word[..], "r" | "br" | "cr") && get(at + hashes) == '"' {
                    at = end_of_raw_string(&chars, at + hashes + 1, hashes);
                } else {
                    found.push((Token::Word(word), line));
                }
            }
            other => {
                if !other.is_whitespace() {
                    found.push((Token::Other(other), line));
                }
                at += 1;
            }
        }
        line += chars[start..at.min(chars.len())].iter().filter(|passed| **passed == '\n').count();
    }
    found
}

/// Comments in braces nest.
fn end_of_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn end_of_raw_string(chars: &[char], start: usize, hashes: usize) -> usize {
    let is_end = |at: usize| {
        chars[at] == '"' && chars[at + 1..].iter().take_while(|next| **next == '#').count() >= hashes
    };
    (start..chars.len()).find(|at| is_end(*at)).map_or(chars.len(), |at| at + 1 + hashes)
}

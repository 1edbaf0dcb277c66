//! TOML as a tree whose keys and values know where they were written.

use toml::de::{DeTable, DeValue};

use super::report::Report;

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A line of the file, from 1.
    Line(usize),
    /// A flag of the command line, with its key: `--set poll.interval`.
    Flag(String),
    /// The file as a whole.
    Top,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub value: Value,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
    Date(String),
    Array(Vec<Node>),
    Table(Table),
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    /// Where the key stands.
    pub origin: Origin,
    pub node: Node,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub entries: Vec<Entry>,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Replaces or adds a value.
    pub(super) fn put(&mut self, key: &str, node: Node) {
        self.entries.retain(|entry| entry.key != key);
        self.entries.push(Entry { key: key.to_owned(), origin: node.origin.clone(), node });
    }
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as a message quotes it.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("\"{}\"", clean(text)),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Bool(is) => is.to_string(),
            Value::Date(date) => format!("the date {date}"),
            Value::Array(_) => "an array".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }
}

/// Text that a file brought, safe to print: short and without control characters.
pub(super) fn clean(text: &str) -> String {
    let mut line: String = text.chars().take(80).map(|c| if c.is_control() { '·' } else { c }).collect();
    if text.chars().nth(80).is_some() {
        line.push('…');
    }
    line
}

/// Reads TOML; what is no TOML goes into the report, and the rest is read all the same.
///
/// `[threshold]` is made flat here: `threshold.poll.waste_ratio` and `"poll.waste_ratio"` are one.
pub(super) fn parse(text: &str, report: &Report) -> Table {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = lines.of(error.span().map_or(0, |span| span.start.min(text.trim_end().len())));
        let (key, message) = explain(error.message(), text.lines().nth(line - 1).unwrap_or_default());
        report.syntax(line, &key, message);
    }
    let at = |offset: usize| Origin::Line(lines.of(offset));
    let mut root = convert_table(table.get_ref(), &at);
    if let Some(Entry { node: Node { value: Value::Table(table), .. }, .. }) = root.get_mut("threshold") {
        let mut flat = Table::default();
        flatten("", std::mem::take(table), &mut flat);
        *table = flat;
    }
    root
}

/// Reads the value of a `--set`: TOML if it is that, else text.
pub(super) fn parse_value(text: &str, flag: &Origin) -> Node {
    match DeValue::parse(text) {
        Ok(value) => convert(value.get_ref(), flag.clone(), &|_| flag.clone()),
        Err(_) => Node { value: Value::Text(text.to_owned()), origin: flag.clone() },
    }
}

/// The mistake every beginner makes first, in words; others in the parser's.
fn explain(message: &str, line: &str) -> (String, String) {
    let (key, value) = line.split_once('=').unwrap_or(("", ""));
    let (key, value) = (clean(key.trim()), clean(value.split('#').next().unwrap_or_default().trim()));
    if message.starts_with("string values must be quoted") && !key.is_empty() {
        let right = format!("text needs quotes; write {key} = \"{}\"", value.trim_matches(['"', '\'']));
        return (key, right);
    }
    (key, format!("this line is not TOML: {message}"))
}

fn convert_table(table: &DeTable<'_>, at: &impl Fn(usize) -> Origin) -> Table {
    let entries = table.iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        origin: at(key.span().start),
        node: convert(value.get_ref(), at(value.span().start), at),
    });
    Table { entries: entries.collect() }
}

fn convert(value: &DeValue<'_>, origin: Origin, at: &impl Fn(usize) -> Origin) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        // A number beyond 128 bits is out of every range here.
        DeValue::Integer(number) => {
            Value::Integer(i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX))
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(is) => Value::Bool(*is),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => Value::Array(
            items.iter().map(|item| convert(item.get_ref(), at(item.span().start), at)).collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(table, at)),
    };
    Node { value, origin }
}

fn flatten(prefix: &str, table: Table, flat: &mut Table) {
    for mut entry in table.entries {
        if !prefix.is_empty() {
            entry.key = format!("{prefix}.{}", entry.key);
        }
        match entry.node.value {
            Value::Table(inner) => flatten(&entry.key, inner, flat),
            _ => flat.entries.push(entry),
        }
    }
}

/// Byte offsets to lines.
struct Lines {
    /// Where each line begins.
    starts: Vec<usize>,
}

impl Lines {
    fn new(text: &str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    fn of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }
}

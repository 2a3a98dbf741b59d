//! Tables for people.

use janitor_contract::printable::printable;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::line::{Line, Tone};

/// A column of a table.
pub struct Column {
    /// The heading.
    pub name: &'static str,
    /// The cells are numbers.
    pub is_number: bool,
    /// The share of the width that the column gets where the terminal is too narrow. A column
    /// without a share is never truncated.
    pub share: usize,
}

/// The columns between two columns.
const GAP: &str = "  ";

/// The narrowest column that says anything.
const NARROWEST: usize = 3;

/// The mark of a truncated cell.
const ELLIPSIS: char = '\u{2026}';

/// Writes a table, with its headings. A terminal that is too narrow for it gets a list of each row's
/// cells. Without a width, nothing is truncated. An empty cell is
/// written as `-`, so that every line has the same number of words.
pub fn table<const N: usize>(
    columns: &[Column; N],
    rows: Vec<(Tone, [String; N])>,
    width: Option<usize>,
) -> Vec<Line> {
    let headings = (Tone::Plain, columns.each_ref().map(|column| column.name.to_owned()));
    let rows: Vec<_> = [headings]
        .into_iter()
        .chain(rows)
        .map(|(tone, row)| {
            (tone, row.map(|cell| if cell.is_empty() { "-".into() } else { printable(&cell) }))
        })
        .collect();
    let mut widths = [0; N];
    for (_, row) in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    if let Some(room) = width
        && !fit(&mut widths, columns, room)
    {
        return rows.into_iter().skip(1).flat_map(|row| listed(columns, row, room)).collect();
    }
    let line = |(tone, row): (Tone, [String; N])| {
        let cells = row.iter().zip(columns).zip(widths);
        let cells = cells.map(|((cell, column), width)| padded(cell, column, width));
        Line::tone(tone, cells.collect::<Vec<_>>().join(GAP).trim_end())
    };
    rows.into_iter().map(line).collect()
}

/// Narrows columns, always the one that is widest for its share, until the table fits. It returns
/// whether it does.
fn fit<const N: usize>(widths: &mut [usize; N], columns: &[Column; N], room: usize) -> bool {
    let gaps = GAP.len() * N.saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > room {
        let widest = widths
            .iter_mut()
            .zip(columns)
            .filter(|(width, column)| column.share > 0 && **width > NARROWEST)
            .max_by_key(|(width, column)| **width * 100 / column.share);
        let Some((width, _)) = widest else { return false };
        *width -= 1;
    }
    true
}

/// Writes the cells of a row below each other, in lines of a limited width.
fn listed<const N: usize>(
    columns: &[Column; N],
    (tone, row): (Tone, [String; N]),
    room: usize,
) -> Vec<Line> {
    let cells = columns.iter().zip(&row).filter(|(_, cell)| *cell != "-");
    let cells = cells.enumerate().flat_map(|(index, (column, cell))| {
        let indent = if index == 0 { "" } else { "  " };
        folded(&format!("{indent}{}: {cell}", column.name), room)
    });
    cells.map(|line| Line::tone(tone, line)).collect()
}

/// Folds a text into lines of a limited width.
fn folded(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or_default();
        if width > 0 && width + wide > room {
            lines.push(String::new());
            width = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
        width += wide;
    }
    lines
}

/// Pads or truncates a cell to a width.
fn padded(cell: &str, column: &Column, width: usize) -> String {
    let cell = truncated(cell, width);
    let padding = " ".repeat(width.saturating_sub(cell.width()));
    if column.is_number { padding + &cell } else { cell + &padding }
}

fn truncated(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut begin: String = cell
        .chars()
        .take_while(|c| match room.checked_sub(c.width().unwrap_or_default()) {
            Some(rest) => {
                room = rest;
                true
            }
            None => false,
        })
        .collect();
    begin.push(ELLIPSIS);
    begin
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { name: "ROLE", is_number: false, share: 2 },
        Column { name: "VOLUMES", is_number: true, share: 0 },
        Column { name: "ZNODE", is_number: false, share: 1 },
    ];

    fn text(rows: &[[&str; 3]], width: Option<usize>) -> Vec<String> {
        let rows = rows.iter().map(|row| (Tone::Plain, row.map(str::to_owned))).collect();
        table(&COLUMNS, rows, width).into_iter().map(|line| line.head).collect()
    }

    #[test]
    fn every_line_has_every_column() {
        let rows = [["cassandra-role", "2", "dcos-service-cassandra"], ["r", "10", ""]];
        assert_eq!(
            text(&rows, None),
            [
                "ROLE            VOLUMES  ZNODE",
                "cassandra-role        2  dcos-service-cassandra",
                "r                    10  -",
            ]
        );
    }

    #[test]
    fn a_table_fits_its_terminal() {
        let rows = [
            ["cassandra-role", "2", "dcos-service-cassandra"],
            [
                "\u{540d}\u{524d}\u{540d}\u{524d}\u{540d}\u{524d}\u{540d}\u{524d}",
                "3",
                "e\u{301}\u{200b}",
            ],
        ];
        assert_eq!(text(&rows, Some(30))[1], "cassandra-ro\u{2026}        2  dcos-\u{2026}");
        for width in 2..60 {
            for line in text(&rows, Some(width)) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
        // A terminal that is too narrow for a table gets a list.
        assert_eq!(
            text(&rows[..1], Some(16)),
            ["ROLE: cassandra-", "role", "  VOLUMES: 2", "  ZNODE: dcos-se", "rvice-cassandra"]
        );
        assert_eq!(text(&rows[..1], Some(17)).len(), 2);
    }
}

//! Excerpts of responses for messages: short, and on one line.

/// Replaces line breaks by spaces.
pub fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Writes a status and the beginning of a body.
pub fn summary(status: u16, body: &[u8]) -> String {
    format!("{status} {}", excerpt(body)).trim_end().to_owned()
}

/// Writes the beginning of a body as one line, or the title of an HTML page.
pub fn excerpt(body: &[u8]) -> String {
    const LENGTH: usize = 500;
    let text = String::from_utf8_lossy(body);
    let text = match title(&text) {
        Some(title) => format!("(a page: {title})").into(),
        None => text,
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// Finds the title of an HTML page, or the first heading of a page without a title.
fn title(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let is_html = ["<!doctype html", "<html", "<head"].iter().any(|it| lower.contains(it));
    let content = |tag: &str| {
        let start = lower.find(&format!("<{tag}>"))? + tag.len() + 2;
        let end = start + lower[start..].find(&format!("</{tag}>"))?;
        Some(text[start..end].trim()).filter(|it| !it.is_empty())
    };
    is_html.then(|| content("title").or_else(|| content("h1")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_title() {
        for (body, expected) in [
            ("<html><head><title> No\nleader </title></head><h1>x</h1>", "(a page: No leader)"),
            ("<!DOCTYPE html><H1>Bad Gateway</H1>", "(a page: Bad Gateway)"),
            ("<html><title></title><h1>Down</h1>", "(a page: Down)"),
            ("<html> no title", "<html> no title"),
            ("<title>no page</title>", "<title>no page</title>"),
        ] {
            assert_eq!(excerpt(body.as_bytes()), expected);
        }
    }

    #[test]
    fn only_the_beginning_of_a_long_body_is_shown() {
        let (fits, long) = ("a".repeat(500), "a".repeat(501));
        assert_eq!(excerpt(fits.as_bytes()), fits);
        assert_eq!(excerpt(long.as_bytes()), format!("{fits}..."));
        assert_eq!(summary(503, b" a\n b "), "503 a b");
        assert_eq!(summary(401, b""), "401");
    }
}

//! The last words of a component that panics.

/// Has the text of a panic written down by `write`, on one line, because all that a host
/// sees of a panic by itself is that the component has trapped.
pub fn report_panics(write: fn(String)) {
    std::panic::set_hook(Box::new(move |panic| write(panic.to_string().replace('\n', " "))));
}

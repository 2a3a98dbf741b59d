//! Plots with logarithmic axes, as SVG.

use std::fmt::Write as _;

/// A curve with a title, axis labels, and the measured points.
pub struct Curve<'a> {
    pub title: &'a str,
    pub axes: [&'a str; 2],
    pub points: Vec<(f64, f64)>,
}

/// The size of a curve, and the size of its cell.
const SIZE: (f64, f64) = (300.0, 200.0);
const PLACE: (f64, f64) = (400.0, 290.0);

/// Draws curves, two per row.
pub fn svg(curves: &[Curve]) -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 580\" \
         font-family=\"sans-serif\" font-size=\"12\" text-anchor=\"middle\">\n\
         <rect width=\"800\" height=\"580\" fill=\"white\"/>\n",
    );
    for (number, curve) in (0_u32..).zip(curves) {
        let (column, row) = (f64::from(number % 2), f64::from(number / 2));
        let (left, top) = (70.0 + PLACE.0 * column, 40.0 + PLACE.1 * row);
        let _ = writeln!(svg, "<g transform=\"translate({left} {top})\">");
        // Writing to a string does not fail.
        let _ = draw(&mut svg, curve);
        svg.push_str("</g>\n");
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, Curve { title, axes: [x, y], points }: &Curve) -> std::fmt::Result {
    let (width, height) = SIZE;
    writeln!(svg, "<text x=\"150\" y=\"-14\" font-weight=\"bold\">{title}</text>")?;
    writeln!(svg, "<text x=\"150\" y=\"236\">{x}</text>")?;
    writeln!(svg, "<text transform=\"translate(-50 100) rotate(-90)\">{y}</text>")?;
    let across = decades(points.iter().map(|point| point.0));
    let up = decades(points.iter().map(|point| point.1));
    for exponent in across.0..=across.1 {
        let value = 10_f64.powi(exponent);
        let x = along(across, value) * width;
        writeln!(svg, "<path d=\"M{x:.1} 0v{height}\" stroke=\"#ddd\"/>")?;
        writeln!(svg, "<text x=\"{x:.1}\" y=\"216\">{value}</text>")?;
    }
    for exponent in up.0..=up.1 {
        let value = 10_f64.powi(exponent);
        let y = height - along(up, value) * height;
        writeln!(svg, "<path d=\"M0 {y:.1}h{width}\" stroke=\"#ddd\"/>")?;
        writeln!(svg, "<text x=\"-6\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>", y + 4.0)?;
    }
    let place = |(x, y): &(f64, f64)| {
        let (x, y) = (along(across, *x) * width, height - along(up, *y) * height);
        format!("{x:.1},{y:.1} ")
    };
    let places: String = points.iter().map(place).collect();
    writeln!(
        svg,
        "<polyline points=\"{places}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"2\"/>"
    )
}

/// Returns the powers of ten that enclose the values.
#[allow(clippy::cast_possible_truncation, reason = "exponents are small")]
fn decades(values: impl Iterator<Item = f64> + Clone) -> (i32, i32) {
    let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor() as i32;
    let most = values.fold(0.0, f64::max).log10().ceil() as i32;
    (least, most.max(least.saturating_add(1)))
}

/// Returns the position of a value along an axis, from 0 to 1.
fn along((from, to): (i32, i32), value: f64) -> f64 {
    (value.log10() - f64::from(from)) / f64::from(to - from)
}

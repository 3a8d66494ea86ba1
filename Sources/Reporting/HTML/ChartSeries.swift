/// One curve of a chart.
struct ChartSeries {
  struct Point {
    /// α.
    var x: Double
    /// A rate, 0 to 1.
    var y: Double
    var lower: Double
    var upper: Double
    /// What a reader is told of the point.
    var title: String
  }

  var name: String
  /// Which colour, dash and marker: the same for the same attack in every chart of a page.
  var style: Int
  /// By ascending x.
  var points: [Point]
}

/// How series are told apart: by colour, dash and marker at once, so that any one of them will do.
enum SeriesStyle {
  /// Dash patterns as SVG has them; empty is solid.
  static let dashes = ["2 4", "", "8 4", "10 3 2 3", "4 3", "12 5", "1 3"]

  static func dash(_ style: Int) -> String { dashes[style % dashes.count] }

  /// The class that colours a series; the style sheet has one per theme.
  static func className(_ style: Int) -> String { "s\(style % dashes.count)" }

  /// A marker around a place: circle, square, triangle, diamond, cross, plus, triangle down.
  static func marker(_ style: Int, x: Double, y: Double, title: String?) -> String {
    let r = 4.0
    func path(_ corners: [(Double, Double)], close: Bool = true) -> String {
      corners.enumerated().map { index, corner in
        "\(index == 0 ? "M" : "L")\(SVG.number(x + corner.0)) \(SVG.number(y + corner.1))"
      }.joined() + (close ? "Z" : "")
    }
    let shape: String
    switch style % dashes.count {
    case 0: shape = circle(x, y, r)
    case 1: shape = path([(-r, -r), (r, -r), (r, r), (-r, r)])
    case 2: shape = path([(0, -r - 1), (r + 1, r), (-r - 1, r)])
    case 3: shape = path([(0, -r - 1.5), (r + 1.5, 0), (0, r + 1.5), (-r - 1.5, 0)])
    case 4:
      shape =
        path([(-r, -r), (r, r)], close: false) + path([(r, -r), (-r, r)], close: false)
    case 5:
      shape =
        path([(0, -r - 1), (0, r + 1)], close: false)
        + path([(-r - 1, 0), (r + 1, 0)], close: false)
    default: shape = path([(0, r + 1), (r + 1, -r), (-r - 1, -r)])
    }
    let label = title.map { "<title>\(HTMLText.escape($0))</title>" } ?? ""
    return "<path class=\"marker\" d=\"\(shape)\">\(label)</path>"
  }

  private static func circle(_ x: Double, _ y: Double, _ r: Double) -> String {
    let d = SVG.number(2 * r)
    return "M\(SVG.number(x - r)) \(SVG.number(y))"
      + "a\(SVG.number(r)) \(SVG.number(r)) 0 1 0 \(d) 0"
      + "a\(SVG.number(r)) \(SVG.number(r)) 0 1 0 -\(d) 0Z"
  }
}

/// The few words of SVG that charts are written in.
enum SVG {
  /// A drawing of its own with its title and description, which screen readers read.
  ///
  /// - Parameters:
  ///   - kind: its style sheet's class, beside `chart`; empty for none.
  ///   - id: unique on the page together with `isNarrow`.
  ///   - parts: what is drawn, from the back to the front.
  static func figure(
    _ kind: String = "", id: String, isNarrow: Bool, width: Double, height: Double, title: String,
    description: String, parts: [String]
  ) -> String {
    let form = isNarrow ? "narrow" : "wide"
    let name = "\(id)-\(form)"
    let classes = ["chart", kind, form].filter { !$0.isEmpty }.joined(separator: " ")
    return """
      <svg class="\(classes)" viewBox="0 0 \(number(width)) \(number(height))" role="img" \
      aria-labelledby="\(name)-t \(name)-d">
      <title id="\(name)-t">\(HTMLText.escape(title))</title>
      <desc id="\(name)-d">\(HTMLText.escape(description))</desc>
      \(parts.joined(separator: "\n"))
      </svg>
      """
  }

  /// To a tenth of a unit, which no eye tells apart.
  static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let fraction = abs(tenths) % 10 == 0 ? "" : ".\(abs(tenths) % 10)"
    return "\(sign)\(abs(tenths) / 10)\(fraction)"
  }

  /// A share to a hundredth, as style sheets have it.
  static func hundredths(_ value: Double) -> String {
    let whole = Int((max(0, min(1, value)) * 100).rounded())
    return whole == 100 ? "1" : whole < 10 ? "0.0\(whole)" : "0.\(whole)"
  }

  static func line(
    _ className: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double
  ) -> String {
    "<line class=\"\(className)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" "
      + "y2=\"\(number(y2))\"/>"
  }

  static func text(
    _ className: String, _ x: Double, _ y: Double, anchor: String = "start", _ content: String
  ) -> String {
    "<text class=\"\(className)\" x=\"\(number(x))\" y=\"\(number(y))\" "
      + "text-anchor=\"\(anchor)\">\(HTMLText.escape(content))</text>"
  }
}
